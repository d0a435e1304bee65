/* Of each batch the threads read one picture after the other, each into its place; what could be
 * read is moved together and goes through the network at once. */
#include "worker/predictor.h"

#include "core/machine.h"
#include "core/picture.h"
#include "core/scores.h"
#include "worker/checkpoint.h"
#include "worker/nn/cam.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct predictor {
    struct experiment experiment;
    struct network network;
    const struct backend *backend;
    struct model *model;
    int height, width;
    size_t batch, threads;
    float *images, *losses, *logits;
    int32_t *labels;
    uint64_t *samples;
    /* where it looked; NULL when that is not wanted */
    struct cam *cam;
    int class;
    struct shape shape;  /* of a picture's maps */
    float *maps, *looks; /* batch x the maps, batch x one map each */
    struct image *seen;  /* batch */
};

/* --- opening --- */

static bool read_config(const struct checkpoint *checkpoint, struct experiment *experiment,
                        struct error *error) {
    struct faults faults = {0};
    cJSON *config = cJSON_Duplicate(checkpoint_config(checkpoint), true);
    bool ok = experiment_from_json(config, experiment, &faults);
    if (!ok) {
        faults_error(&faults, error);
        error_context(error, "this version does not understand its config");
    }
    faults_free(&faults);
    cJSON_Delete(config);
    return ok;
}

static bool make_buffers(struct predictor *predictor, struct error *error) {
    size_t batch = predictor->batch;
    predictor->images = reallocarray(NULL, batch * 3 * (size_t)predictor->height,
                                     (size_t)predictor->width * sizeof *predictor->images);
    predictor->losses = calloc(batch, sizeof *predictor->losses);
    predictor->logits = calloc(batch, NETWORK_CLASSES * sizeof *predictor->logits);
    predictor->labels = calloc(batch, sizeof *predictor->labels);
    predictor->samples = calloc(batch, sizeof *predictor->samples);
    return (predictor->images != NULL && predictor->losses != NULL && predictor->logits != NULL &&
            predictor->labels != NULL && predictor->samples != NULL) ||
           error_machine(error, "out of memory; try a smaller --batch");
}

static size_t map_pixels(const struct predictor *predictor) {
    return (size_t)predictor->shape.height * (size_t)predictor->shape.width;
}

static bool make_maps(struct predictor *predictor, struct error *error) {
    const struct network *network = &predictor->network;
    struct shape *shapes = calloc(network->node_count, sizeof *shapes);
    if (shapes == NULL)
        return error_memory(error);
    bool good = network_shapes(network, predictor->height, predictor->width, shapes, error) &&
                cam_new(network, predictor->backend, predictor->model, &predictor->cam, error);
    predictor->shape = shapes[network_pooled(network)];
    free(shapes);
    if (!good)
        return false;
    size_t batch = predictor->batch, channels = (size_t)predictor->shape.channels;
    predictor->maps =
        reallocarray(NULL, batch * channels, map_pixels(predictor) * sizeof *predictor->maps);
    predictor->looks = reallocarray(NULL, batch, map_pixels(predictor) * sizeof *predictor->looks);
    predictor->seen = calloc(batch, sizeof *predictor->seen);
    return (predictor->maps != NULL && predictor->looks != NULL && predictor->seen != NULL) ||
           error_machine(error, "out of memory; try a smaller --batch");
}

static bool make_model(struct predictor *predictor, const struct checkpoint *checkpoint,
                       const struct predictor_options *options, struct error *error) {
    const struct experiment *experiment = &predictor->experiment;
    predictor->backend = backend_find(options->backend, options->device, error);
    if (predictor->backend == NULL)
        return false;
    const struct model_options model = {
        .precision = backend_evaluation_precision(predictor->backend, experiment->train.precision),
        .deterministic = experiment->train.deterministic,
        .device = options->device,
        .tell = options->tell};
    return pipeline_output_size(&experiment->evaluation, &predictor->height, &predictor->width,
                                error) &&
           network_build(experiment->model.arch, experiment->model.head, experiment->model.dropout,
                         &predictor->network, error) &&
           predictor->backend->model_new(&predictor->network, &model, &predictor->model, error) &&
           checkpoint_restore(checkpoint, &predictor->network, predictor->backend, predictor->model,
                              0, NULL, error);
}

bool predictor_open(const char *path, const struct predictor_options *options,
                    struct predictor **out, struct error *error) {
    struct checkpoint *checkpoint = NULL;
    struct predictor *predictor = calloc(1, sizeof *predictor);
    if (predictor == NULL)
        return error_memory(error);
    predictor->batch = options->batch;
    predictor->class = options->class;
    predictor->threads = options->threads > 0 ? (size_t)options->threads : machine_cores();
    bool ok = checkpoint_open(path, &checkpoint, error);
    ok = ok &&
         ((read_config(checkpoint, &predictor->experiment, error) &&
           make_model(predictor, checkpoint, options, error) && make_buffers(predictor, error) &&
           (!options->maps || make_maps(predictor, error))) ||
          error_context(error, "%s", path));
    checkpoint_close(checkpoint);
    if (!ok)
        predictor_close(predictor);
    *out = ok ? predictor : NULL;
    return ok;
}

void predictor_close(struct predictor *predictor) {
    if (predictor == NULL)
        return;
    if (predictor->model != NULL)
        predictor->backend->model_free(predictor->model);
    network_free(&predictor->network);
    experiment_free(&predictor->experiment);
    free(predictor->images);
    free(predictor->losses);
    free(predictor->logits);
    free(predictor->labels);
    free(predictor->samples);
    cam_free(predictor->cam);
    for (size_t i = 0; predictor->seen != NULL && i < predictor->batch; i++)
        image_free(&predictor->seen[i]);
    free(predictor->seen);
    free(predictor->maps);
    free(predictor->looks);
    free(predictor);
}

/* --- scoring --- */

static size_t picture_floats(const struct predictor *predictor) {
    return 3 * (size_t)predictor->height * (size_t)predictor->width;
}

/* One batch as the threads see it. */
struct reading {
    struct predictor *predictor;
    char *const *paths;
    size_t count;
    struct prediction *predictions;
    atomic_size_t next;
};

static void *read_pictures(void *context) {
    struct reading *reading = context;
    const struct predictor *predictor = reading->predictor;
    const struct pipeline *pipeline = &predictor->experiment.evaluation;
    size_t at;
    while ((at = atomic_fetch_add(&reading->next, 1)) < reading->count) {
        struct image image = {0};
        struct error *broken = &reading->predictions[at].broken;
        const char *path = reading->paths[at];
        reading->predictions[at] = (struct prediction){0};
        if (picture_read(path, &image, broken)) {
            if (pipeline_apply(pipeline, 0, &image, NULL, broken))
                pipeline_normalize(pipeline, &image,
                                   predictor->images + at * picture_floats(predictor));
            else
                (void)error_context(broken, "%s", path);
        }
        if (predictor->seen != NULL) {
            image_free(&predictor->seen[at]);
            predictor->seen[at] = image;
        } else {
            image_free(&image);
        }
    }
    return NULL;
}

/* The caller's thread is one of them, so that it goes on without the others. */
static void read_batch(struct reading *reading) {
    enum { HELPERS_MOST = 64 };
    pthread_t helpers[HELPERS_MOST];
    size_t wanted = reading->predictor->threads - 1, started = 0;
    while (started < wanted && started < HELPERS_MOST && started + 1 < reading->count &&
           pthread_create(&helpers[started], NULL, read_pictures, reading) == 0)
        started++;
    read_pictures(reading);
    for (size_t i = 0; i < started; i++)
        pthread_join(helpers[i], NULL);
}

static bool run_batch(struct predictor *predictor, const struct batch *batch, struct error *error) {
    const struct backend *backend = predictor->backend;
    return predictor->cam == NULL
               ? backend->evaluate(predictor->model, batch, predictor->losses, predictor->logits,
                                   error)
               : backend->evaluate_maps(predictor->model, batch, predictor->losses,
                                        predictor->logits, predictor->maps, error);
}

/* Where it looked in the picture that went through the network as number `at`. */
static void look(struct predictor *predictor, const struct image *seen, size_t at,
                 struct prediction *prediction) {
    const struct shape *shape = &predictor->shape;
    size_t pixels = map_pixels(predictor);
    float *map = predictor->looks + at * pixels;
    int class =
        predictor->class == PREDICTED_CLASS ? prediction_label(prediction) : predictor->class;
    cam_make(predictor->cam, shape, predictor->maps + at * (size_t)shape->channels * pixels, class,
             map);
    prediction->looking = (struct looking){seen, class, shape->height, shape->width, map};
}

int prediction_label(const struct prediction *prediction) {
    return prediction->probability > 0.5;
}

bool predictor_score(struct predictor *predictor, char *const *paths, size_t count,
                     struct prediction *predictions, struct error *error) {
    struct reading reading = {
        .predictor = predictor, .paths = paths, .count = count, .predictions = predictions};
    size_t floats = picture_floats(predictor), good = 0;
    read_batch(&reading);
    for (size_t i = 0; i < count; i++) {
        if (predictions[i].broken.code != ERROR_NONE)
            continue;
        if (good < i)
            memcpy(predictor->images + good * floats, predictor->images + i * floats,
                   floats * sizeof *predictor->images);
        good++;
    }
    const struct batch batch = {.count = good,
                                .height = predictor->height,
                                .width = predictor->width,
                                .images = predictor->images,
                                .labels = predictor->labels,
                                .samples = predictor->samples};
    if (good > 0 && !run_batch(predictor, &batch, error))
        return false;
    for (size_t i = 0, at = 0; i < count; i++) {
        if (predictions[i].broken.code != ERROR_NONE)
            continue;
        const float *logits = predictor->logits + NETWORK_CLASSES * at;
        if (!isfinite(logits[0]) || !isfinite(logits[1]))
            return error_set(error, ERROR_INPUT,
                             "%s: what the network says of it is no number; its weights are broken",
                             paths[i]);
        predictions[i].probability = score_probability(logits);
        if (predictor->cam != NULL)
            look(predictor, &predictor->seen[i], at, &predictions[i]);
        at++;
    }
    return true;
}
