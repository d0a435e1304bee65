/* backend: what runs a network: oneDNN on a CPU (cpu/), cuDNN on a GPU (cuda/).
 *
 * A backend holds the weights and the optimizer's state in whatever layout suits it and gives and
 * takes them as float32 in PyTorch's layout. A model is used by one thread at a time.
 */
#ifndef ASSAY_WORKER_NN_BACKEND_H
#define ASSAY_WORKER_NN_BACKEND_H

#include "core/transform.h"
#include "worker/nn/network.h"
#include "worker/nn/optimizer.h"
#include "worker/nn/work.h"

#include <stdint.h>

struct model; /* opaque, each backend its own */

/* A picture as it was decoded, and what is to be done to it; the recipe has no resize. */
struct picture {
    const uint8_t *pixels; /* RGB, recipe.width x recipe.height */
    bool lasting;          /* they stand there unchanged for as long as the model lives */
    struct recipe recipe;
};

/* One batch of pictures. `images`: float32 NCHW, normalised, count x 3 x height x width; NULL where
 * there are `pictures` instead, which only backends with takes_pictures are given. */
struct batch {
    size_t count;
    int height, width;
    const float *images;
    const int32_t *labels;
    const uint64_t *samples; /* each picture's position in the training list, for dropout's draws */
    uint32_t epoch;
    const struct picture *pictures;
    const struct transform *normalize; /* of the pictures */
    uint64_t number; /* with pictures: never the same for two batches that a model is given */
    /* When it is queued: its results may stay where they are until a batch is queued that is not
     * held, or until they are taken. */
    bool held;
};

/* Moments: M is Adam's first or SGD's momentum buffer, V is Adam's second (optimizer.h). */
enum model_state { MODEL_VALUE, MODEL_GRADIENT, MODEL_MOMENT_M, MODEL_MOMENT_V };
enum { MODEL_STATES = MODEL_MOMENT_V + 1 };

/* Where a model's time went, in milliseconds. */
struct node_times {
    double forward, backward;
};

struct profile {
    struct node_times *nodes; /* one a node of the network; the caller's */
    double optimizer;
};

struct model_options {
    enum precision precision;
    bool deterministic;
    const struct loss *loss; /* of training; copied. NULL: plain cross-entropy */
    uint64_t seed;           /* for dropout */
    int threads;             /* 0: one for each core that there is now */
    int device;              /* CUDA device number */
    struct profile *profile; /* NULL, or what train_step and evaluate add their times to, with each
                                node waited for */
    /* NULL, or asked between layers where a step may take long (on a CPU): when it says true,
     * train_step or evaluate fails at once, and of the model only what is set anew counts. */
    bool (*stop)(void *context);
    void *stop_context;
    /* NULL, or told, a line each, of what is not as it should be and does no harm: by model_new,
     * and by steps. */
    void (*tell)(void *context, const char *line);
    void *tell_context;
};

/* How many batches a backend takes before it must be asked for the results of the first: while some
 * are worked on, the next are there already. */
enum { BACKEND_AHEAD = 32 };

/* How many times as large as training's a batch of evaluation may be: it keeps nothing for a way
 * back, so it needs half as much memory with ResNet-50, and not twice as much with ResNet-18 (where
 * that is not there, see session_evaluate). */
enum { BACKEND_EVALUATION_TIMES = 4 };

struct backend {
    const char *name; /* "cpu", "cuda" */
    bool takes_pictures;
    /* Pictures by which evaluation is fast, to be taken at once where training's batches are
     * smaller; 0: training's will do. */
    size_t evaluation_batch;
    /* True when it can run here; `what` gets a line on the device or on why not. */
    bool (*available)(int device, char *what, size_t what_size);
    /* All the memory that models there share: the machine's, or the GPU's own. 0: nobody knows. */
    uint64_t (*memory_bytes)(int device);
    /* NULL, or measures what `threads` (0: all cores) do at most, in a second or so. */
    bool (*measure_peak)(int threads, struct peak *peak, struct error *error);
    /* The network is borrowed and must outlive the model; what is to be frozen in it is. */
    bool (*model_new)(const struct network *network, const struct model_options *options,
                      struct model **model, struct error *error);
    void (*model_free)(struct model *model);
    /* NULL, or the most bytes of the device's own memory that the model ever had at once. */
    uint64_t (*memory_most)(const struct model *model);
    /* `values`: parameter->count floats in PyTorch's layout. Gradients are those of the last
     * train_step, before the optimizer; setting them is an error. A new model's state is all zeros,
     * and so are moments that the optimizer does not keep. Parameters that are not trainable have
     * values alone: anything else of them is an error. */
    bool (*state_set)(struct model *model, enum model_state state, size_t parameter,
                      const float *values, struct error *error);
    bool (*state_get)(struct model *model, enum model_state state, size_t parameter, float *values,
                      struct error *error);
    /* Forward in training mode (frozen batch norms in evaluation mode), backward down to the lowest
     * trained layer, one update. losses: each picture's weighted, smoothed cross-entropy (struct
     * loss); logits: count x 2. The training loss is the sum of losses over the sum of the weights
     * of the labels' classes. */
    bool (*train_step)(struct model *model, const struct batch *batch, const struct update *update,
                       float *losses, float *logits, struct error *error);
    /* Forward in evaluation mode; state is not changed. losses: each picture's plain cross-entropy,
     * without smoothing and weights. */
    bool (*evaluate)(struct model *model, const struct batch *batch, float *losses, float *logits,
                     struct error *error);
    /* As evaluate, and `maps` gets what the average pool read, float32 NCHW: count x the shape of
     * node network_pooled. Of where a network looked (cam.h). */
    bool (*evaluate_maps)(struct model *model, const struct batch *batch, float *losses,
                          float *logits, float *maps, struct error *error);
    /* NULL, or train_step (update NULL: evaluate) in two halves, for who need not wait: queue
     * begins it and returns, and the batch is done with but for its pictures' lasting pixels; take
     * waits for the oldest one that was queued and gives its results. At most BACKEND_AHEAD are
     * queued and not taken. train_step and evaluate want all of them taken. */
    bool (*queue)(struct model *model, const struct batch *batch, const struct update *update,
                  struct error *error);
    bool (*take)(struct model *model, float *losses, float *logits, struct error *error);
    /* NULL, or begins to bring a coming batch with pictures to the device while the one before it
     * is worked on. The batch must stay as it is until it has been queued, trained or evaluated,
     * and there must be room to queue it. */
    bool (*prefetch)(struct model *model, const struct batch *next, struct error *error);
};

/* name: "cpu", "cuda", or "auto"/"any" (the first that is available, cuda before cpu). NULL with
 * ERROR_INPUT, since another may be chosen, and CAUSE_MACHINE: a GPU that worked may have failed.
 */
const struct backend *backend_find(const char *name, int device, struct error *error);

/* True when "auto" or "any" had to pass cuda by although it was built: `line` says why. */
bool backend_passed(const char *name, int device, char *line, size_t size);

/* Backend `index` in the order in which "auto" tries them, whether it can run here, and a line on
 * the device or on why not. False when there is none of that number. */
bool backend_describe(size_t index, int device, const char **name, bool *usable, char *what,
                      size_t size);

extern const struct backend backend_cpu;

/* Pictures of an evaluation's batch beside training's `batch_size`. */
static inline size_t backend_evaluation_size(const struct backend *backend, size_t batch_size) {
    size_t most = BACKEND_EVALUATION_TIMES * batch_size, wanted = backend->evaluation_batch;
    return wanted <= batch_size ? batch_size : wanted < most ? wanted : most;
}

/* What to evaluate in: what a GPU trained in less than fp32 can be looked at on any machine. */
static inline enum precision backend_evaluation_precision(const struct backend *backend,
                                                          enum precision precision) {
    return backend == &backend_cpu ? PRECISION_FP32 : precision;
}

#endif
