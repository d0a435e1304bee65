#include "worker/nn/cam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A linear layer above the pool; dropout is the identity in evaluation. */
struct layer {
    size_t in, out;
    bool relu;
    float *weight, *bias; /* out x in, out */
    double *input;        /* in: what it read last, and then the gradient of that */
    double *output;       /* out; the next layer's input */
};

struct cam {
    struct layer *layers;
    size_t count;
    double *rows; /* all layers' inputs and the logits, one after the other */
};

/* --- opening --- */

static float *parameter_of(const struct network *network, const struct backend *backend,
                           struct model *model, size_t parameter, struct error *error) {
    float *values = calloc(network->parameters[parameter].count, sizeof *values);
    if (values == NULL)
        error_machine(error, "out of memory for a layer's weights");
    else if (backend->state_get(model, MODEL_VALUE, parameter, values, error))
        return values;
    free(values);
    return NULL;
}

static bool add_layer(struct cam *cam, const struct network *network, const struct node *node,
                      const struct backend *backend, struct model *model, struct error *error) {
    struct layer *layer = &cam->layers[cam->count++];
    *layer = (struct layer){
        .in = (size_t)node->in_channels, .out = (size_t)node->out_channels, .relu = node->relu};
    layer->weight = parameter_of(network, backend, model, node->parameter, error);
    if (layer->weight != NULL)
        layer->bias = parameter_of(network, backend, model, node->parameter + 1, error);
    return layer->bias != NULL;
}

static bool place_rows(struct cam *cam, struct error *error) {
    size_t total = NETWORK_CLASSES;
    for (size_t i = 0; i < cam->count; i++)
        total += cam->layers[i].in;
    cam->rows = calloc(total, sizeof *cam->rows);
    if (cam->rows == NULL)
        return error_machine(error, "out of memory for rows");
    double *at = cam->rows;
    for (size_t i = 0; i < cam->count; i++) {
        cam->layers[i].input = at;
        at += cam->layers[i].in;
        cam->layers[i].output = at;
    }
    return true;
}

bool cam_new(const struct network *network, const struct backend *backend, struct model *model,
             struct cam **result, struct error *error) {
    struct cam *cam = calloc(1, sizeof *cam);
    struct layer *layers = calloc(network->node_count, sizeof *layers);
    *result = NULL;
    if (cam == NULL || layers == NULL) {
        free(cam);
        free(layers);
        return error_machine(error, "out of memory for a map");
    }
    cam->layers = layers;
    bool good = true;
    for (size_t i = network_pooled(network) + 1; good && i < network->node_count; i++)
        if (network->nodes[i].op == OP_LINEAR)
            good = add_layer(cam, network, &network->nodes[i], backend, model, error);
    if (!good || !place_rows(cam, error)) {
        cam_free(cam);
        return false;
    }
    *result = cam;
    return true;
}

void cam_free(struct cam *cam) {
    if (cam == NULL)
        return;
    for (size_t i = 0; i < cam->count; i++) {
        free(cam->layers[i].weight);
        free(cam->layers[i].bias);
    }
    free(cam->layers);
    free(cam->rows);
    free(cam);
}

/* --- a map --- */

static void pool(const float *maps, size_t channels, size_t pixels, double *row) {
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t i = 0; i < pixels; i++)
            sum += (double)maps[c * pixels + i];
        row[c] = sum / (double)pixels;
    }
}

static void layer_forward(const struct layer *layer) {
    for (size_t o = 0; o < layer->out; o++) {
        double sum = (double)layer->bias[o];
        for (size_t i = 0; i < layer->in; i++)
            sum += (double)layer->weight[o * layer->in + i] * layer->input[i];
        layer->output[o] = layer->relu && sum <= 0 ? 0 : sum;
    }
}

/* `output` is the gradient of the output, 0 where a ReLU is shut; `input` becomes the input's. What
 * a ReLU below it let through is read before it is overwritten. */
static void layer_backward(const struct layer *layer, bool masked) {
    for (size_t i = 0; i < layer->in; i++) {
        double sum = 0;
        for (size_t o = 0; o < layer->out; o++)
            sum += (double)layer->weight[o * layer->in + i] * layer->output[o];
        layer->input[i] = masked && layer->input[i] <= 0 ? 0 : sum;
    }
}

void cam_make(struct cam *cam, const struct shape *shape, const float *maps, int class,
              float *result) {
    size_t channels = (size_t)shape->channels;
    size_t pixels = (size_t)shape->height * (size_t)shape->width;
    pool(maps, channels, pixels, cam->rows);
    for (size_t i = 0; i < cam->count; i++)
        layer_forward(&cam->layers[i]);
    double *logits = cam->layers[cam->count - 1].output;
    for (int i = 0; i < NETWORK_CLASSES; i++)
        logits[i] = i == class;
    for (size_t i = cam->count; i-- > 0;)
        layer_backward(&cam->layers[i], i > 0 && cam->layers[i - 1].relu);
    /* the pool hands the same to every position, so that the mean over them is that */
    const double *gradient = cam->rows;
    for (size_t at = 0; at < pixels; at++) {
        double sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += gradient[c] / (double)pixels * (double)maps[c * pixels + at];
        result[at] = sum > 0 ? (float)sum : 0;
    }
}

/* --- its size --- */

/* The two neighbours of an output pixel along one side, and how near the second is. */
struct between {
    size_t first, second;
    double part;
};

static struct between between(int at, int side, int to_side) {
    double place = fmax((at + 0.5) * side / to_side - 0.5, 0);
    size_t first = (size_t)place, last = (size_t)side - 1;
    return (struct between){first < last ? first : last, first < last ? first + 1 : last,
                            place - (double)first};
}

void cam_enlarge(const float *from, int height, int width, float *to, int to_height, int to_width) {
    for (int y = 0; y < to_height; y++) {
        const struct between row = between(y, height, to_height);
        for (int x = 0; x < to_width; x++) {
            const struct between column = between(x, width, to_width);
            const float *above = from + row.first * (size_t)width;
            const float *below = from + row.second * (size_t)width;
            double upper = (1 - column.part) * (double)above[column.first] +
                           column.part * (double)above[column.second];
            double lower = (1 - column.part) * (double)below[column.first] +
                           column.part * (double)below[column.second];
            *to++ = (float)((1 - row.part) * upper + row.part * lower);
        }
    }
}
