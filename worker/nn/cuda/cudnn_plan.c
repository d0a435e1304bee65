#include "worker/nn/cuda/cudnn_plan.h"

#include <stdlib.h>
#include <string.h>

enum { UID_X = 1, UID_W, UID_Y };
enum { ENGINES_MAX = CHOICE_ENGINES, ALIGNMENT = 16 };

struct cudnn_plan {
    cudnnBackendDescriptor_t plan;
    size_t workspace;
};

/* ---- descriptors: created, filled and finalised; the first failure is kept ---- */

/* What is being described, and what went wrong with it. */
struct drafting {
    cudnnStatus_t status;
    const char *what;
};

static void note(struct drafting *drafting, cudnnStatus_t status, const char *what) {
    if (drafting->status != CUDNN_STATUS_SUCCESS)
        return;
    drafting->status = status;
    drafting->what = what;
}

static bool drafted(const struct drafting *drafting, struct error *error) {
    if (drafting->status == CUDNN_STATUS_SUCCESS)
        return true;
    char why[512] = "";
    cudnnGetLastErrorString(why, sizeof why);
    why[strcspn(why, "\n")] = '\0';
    return error_set(error, ERROR_FAILED, "cuDNN: %s: %s%s%s", drafting->what,
                     cudnnGetErrorString(drafting->status), why[0] != '\0' ? ": " : "", why);
}

static cudnnBackendDescriptor_t create(struct drafting *drafting,
                                       cudnnBackendDescriptorType_t type) {
    cudnnBackendDescriptor_t made = NULL;
    note(drafting, cudnnBackendCreateDescriptor(type, &made), "a descriptor");
    return made;
}

static void destroy(cudnnBackendDescriptor_t descriptor) {
    if (descriptor != NULL)
        cudnnBackendDestroyDescriptor(descriptor);
}

static void set(struct drafting *drafting, cudnnBackendDescriptor_t descriptor,
                cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                const void *values) {
    if (drafting->status == CUDNN_STATUS_SUCCESS)
        note(drafting, cudnnBackendSetAttribute(descriptor, name, type, count, values),
             "an attribute");
}

static void set_integer(struct drafting *drafting, cudnnBackendDescriptor_t descriptor,
                        cudnnBackendAttributeName_t name, int64_t value) {
    set(drafting, descriptor, name, CUDNN_TYPE_INT64, 1, &value);
}

static void set_descriptor(struct drafting *drafting, cudnnBackendDescriptor_t descriptor,
                           cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t value) {
    set(drafting, descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, (const void *)&value);
}

static void finalise(struct drafting *drafting, cudnnBackendDescriptor_t descriptor,
                     const char *what) {
    if (drafting->status == CUDNN_STATUS_SUCCESS)
        note(drafting, cudnnBackendFinalize(descriptor), what);
}

bool cudnn_properties(const char *json, cudnnBackendDescriptor_t *properties, struct error *error) {
    struct drafting drafting = {0};
    *properties = create(&drafting, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    set(&drafting, *properties, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
        (int64_t)strlen(json) + 1, json);
    finalise(&drafting, *properties, "the description of a device");
    if (drafted(&drafting, error))
        return true;
    destroy(*properties);
    return false;
}

/* ---- the operation ---- */

static cudnnDataType_t data_type(enum element element) {
    return element == ELEMENT_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

/* dims in cuDNN's order N, C, H, W; in memory the channels stand together. */
static cudnnBackendDescriptor_t tensor(struct drafting *drafting, int64_t uid,
                                       const int64_t dims[4], cudnnDataType_t type) {
    const int64_t strides[4] = {dims[1] * dims[2] * dims[3], 1, dims[1] * dims[3], dims[1]};
    cudnnBackendDescriptor_t made = create(drafting, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(drafting, made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(drafting, made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims);
    set(drafting, made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
    set_integer(drafting, made, CUDNN_ATTR_TENSOR_UNIQUE_ID, uid);
    set_integer(drafting, made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, ALIGNMENT);
    finalise(drafting, made, "a tensor");
    return made;
}

static cudnnBackendDescriptor_t rule(struct drafting *drafting,
                                     const struct convolution_task *task) {
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const int64_t dilations[2] = {1, 1}, strides[2] = {task->stride, task->stride},
                  paddings[2] = {task->padding, task->padding};
    cudnnBackendDescriptor_t made = create(drafting, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    set(drafting, made, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(drafting, made, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set_integer(drafting, made, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 2);
    set(drafting, made, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilations);
    set(drafting, made, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides);
    set(drafting, made, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, paddings);
    set(drafting, made, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, paddings);
    finalise(drafting, made, "a convolution");
    return made;
}

/* The names that the three kinds of operation give to the same things. */
static const struct {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t x, w, y, rule, alpha, beta;
} operations[PASSES] = {
    [PASS_FORWARD] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    [PASS_DATA] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    [PASS_WEIGHTS] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

/* The graph of one operation. What it is made of may be destroyed once it is finalised. */
static cudnnBackendDescriptor_t graph(struct drafting *drafting, const struct cudnn_place *place,
                                      const struct convolution_task *task, enum pass pass) {
    const int64_t count = (int64_t)task->count;
    const int64_t x_dims[4] = {count, task->in.channels, task->in.height, task->in.width};
    const int64_t w_dims[4] = {task->out.channels, task->in.channels, task->kernel, task->kernel};
    const int64_t y_dims[4] = {count, task->out.channels, task->out.height, task->out.width};
    const cudnnDataType_t type = data_type(task->element);
    const float alpha = 1, beta = 0; /* as floats: of doubles its engines read the lower half */
    cudnnBackendDescriptor_t x = tensor(drafting, UID_X, x_dims, type);
    cudnnBackendDescriptor_t w = tensor(drafting, UID_W, w_dims, type);
    cudnnBackendDescriptor_t y = tensor(drafting, UID_Y, y_dims, type);
    cudnnBackendDescriptor_t how = rule(drafting, task);
    cudnnBackendDescriptor_t operation = create(drafting, operations[pass].type);
    set_descriptor(drafting, operation, operations[pass].x, x);
    set_descriptor(drafting, operation, operations[pass].w, w);
    set_descriptor(drafting, operation, operations[pass].y, y);
    set_descriptor(drafting, operation, operations[pass].rule, how);
    set(drafting, operation, operations[pass].alpha, CUDNN_TYPE_FLOAT, 1, &alpha);
    set(drafting, operation, operations[pass].beta, CUDNN_TYPE_FLOAT, 1, &beta);
    finalise(drafting, operation, "the operation");
    cudnnBackendDescriptor_t made = create(drafting, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    if (place->handle != NULL)
        set(drafting, made, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1,
            (const void *)&place->handle);
    set_descriptor(drafting, made, CUDNN_ATTR_OPERATIONGRAPH_OPS, operation);
    finalise(drafting, made, "the graph");
    destroy(operation);
    destroy(how);
    destroy(y);
    destroy(w);
    destroy(x);
    return made;
}

/* ---- choosing an engine ---- */

/* Of such an engine cuDNN does not say that its results differ from run to run, even where its code
 * adds atomically (docs/cuda.md). True also when it cannot be found out. */
static bool made_at_run_time(cudnnBackendDescriptor_t engine) {
    cudnnBackendBehaviorNote_t notes[CUDNN_BEHAVIOR_NOTE_TYPE_COUNT];
    int64_t count = 0;
    bool made = cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE,
                                         CUDNN_TYPE_BEHAVIOR_NOTE, CUDNN_BEHAVIOR_NOTE_TYPE_COUNT,
                                         &count, notes) != CUDNN_STATUS_SUCCESS;
    for (int64_t i = 0; i < count && !made; i++)
        made = notes[i] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;
    return made;
}

/* Whether the engine keeps what the task promises. */
static bool engine_allowed(cudnnBackendDescriptor_t config, const struct convolution_task *task) {
    struct drafting drafting = {0};
    cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    int64_t count = 0;
    cudnnBackendDescriptor_t engine = create(&drafting, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    bool strict = task->element == ELEMENT_F32 && !task->tensor_cores;
    bool allowed =
        drafting.status == CUDNN_STATUS_SUCCESS &&
        cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                 1, &count, (void *)&engine) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                 CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &count,
                                 notes) == CUDNN_STATUS_SUCCESS;
    for (int64_t i = 0; allowed && i < count; i++)
        switch (notes[i]) {
        case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC: allowed = !task->deterministic; break;
        case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
        case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS: allowed = !strict; break;
        case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION: allowed = false; break;
        default: break;
        }
    allowed = allowed && !(task->deterministic && made_at_run_time(engine));
    destroy(engine);
    return allowed;
}

static bool plan_build(const struct cudnn_place *place, cudnnBackendDescriptor_t config,
                       struct cudnn_plan *plan) {
    struct drafting drafting = {0};
    int64_t workspace = 0, count = 0;
    cudnnBackendDescriptor_t made = create(&drafting, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    if (place->handle != NULL)
        set(&drafting, made, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1,
            (const void *)&place->handle);
    else
        set_descriptor(&drafting, made, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, place->properties);
    set_descriptor(&drafting, made, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    finalise(&drafting, made, "a plan");
    if (drafting.status == CUDNN_STATUS_SUCCESS)
        note(&drafting,
             cudnnBackendGetAttribute(made, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                      CUDNN_TYPE_INT64, 1, &count, &workspace),
             "the workspace");
    if (drafting.status != CUDNN_STATUS_SUCCESS) {
        destroy(made);
        return false;
    }
    plan->plan = made;
    plan->workspace = (size_t)workspace;
    return true;
}

/* The lists of engines that are tried, by a choice's mode. */
static const cudnnBackendHeurMode_t modes[CHOICE_MODES] = {CUDNN_HEUR_MODE_A,
                                                           CUDNN_HEUR_MODE_FALLBACK};

/* Tries the engines that one heuristic names, or of them the one at `choice->index`; it becomes the
 * one that was taken. */
static bool plan_choose(struct drafting *drafting, const struct cudnn_place *place,
                        cudnnBackendDescriptor_t graph, const struct convolution_task *task,
                        struct choice *choice, struct cudnn_plan *plan) {
    const cudnnBackendHeurMode_t mode = modes[choice->mode];
    const int only = choice->index;
    cudnnBackendDescriptor_t configs[ENGINES_MAX] = {0};
    int64_t count = 0;
    bool found = false;
    cudnnBackendDescriptor_t heuristic = create(drafting, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set_descriptor(drafting, heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(drafting, heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (place->handle == NULL)
        set_descriptor(drafting, heuristic, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, place->properties);
    finalise(drafting, heuristic, "the choice of an engine");
    for (int i = 0; drafting->status == CUDNN_STATUS_SUCCESS && i < ENGINES_MAX; i++)
        configs[i] = create(drafting, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (drafting->status == CUDNN_STATUS_SUCCESS)
        note(drafting,
             cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                      CUDNN_TYPE_BACKEND_DESCRIPTOR, ENGINES_MAX, &count,
                                      (void *)configs),
             "the engines");
    for (int i = 0; i < count && i < ENGINES_MAX && !found; i++) {
        choice->index = i;
        found = (only < 0 || only == i) && engine_allowed(configs[i], task) &&
                plan_build(place, configs[i], plan);
    }
    for (int i = 0; i < ENGINES_MAX; i++)
        destroy(configs[i]);
    destroy(heuristic);
    return found;
}

/* The engine that was chosen before if it will do, else the first that does. */
static bool plan_find(struct drafting *drafting, const struct cudnn_place *place,
                      cudnnBackendDescriptor_t graph, const struct convolution_task *task,
                      struct choice *choice, struct cudnn_plan *plan) {
    bool found = choice->mode >= 0 && plan_choose(drafting, place, graph, task, choice, plan);
    for (int mode = 0; mode < CHOICE_MODES && !found; mode++) {
        *drafting = (struct drafting){0}; /* that one list cannot be had says nothing of the next */
        *choice = (struct choice){mode, -1};
        found = plan_choose(drafting, place, graph, task, choice, plan);
    }
    return found;
}

bool cudnn_plan_new(const struct cudnn_place *place, const struct convolution_task *task,
                    enum pass pass, struct choice *choice, struct cudnn_plan **result,
                    struct error *error) {
    *result = NULL;
    struct drafting drafting = {0};
    struct cudnn_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        return error_machine(error, "out of memory for a plan");
    cudnnBackendDescriptor_t described = graph(&drafting, place, task, pass);
    bool found = drafting.status == CUDNN_STATUS_SUCCESS &&
                 plan_find(&drafting, place, described, task, choice, plan);
    destroy(described);
    if (found) {
        *result = plan;
        return true;
    }
    free(plan);
    return drafted(&drafting, error) &&
           error_set(error, ERROR_FAILED,
                     "cuDNN has no engine for this convolution in this precision%s",
                     task->deterministic ? "; try train.deterministic false" : "");
}

void cudnn_plan_free(struct cudnn_plan *plan) {
    if (plan == NULL)
        return;
    destroy(plan->plan);
    free(plan);
}

size_t cudnn_plan_workspace(const struct cudnn_plan *plan) {
    return plan->workspace;
}

bool cudnn_plan_run(const struct cudnn_plan *plan, cudnnHandle_t handle, void *x, void *w, void *y,
                    void *workspace, struct error *error) {
    const int64_t uids[] = {UID_X, UID_W, UID_Y};
    void *const operands[] = {x, w, y};
    struct drafting drafting = {0};
    cudnnBackendDescriptor_t pack = create(&drafting, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set(&drafting, pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, uids);
    set(&drafting, pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3,
        (const void *)operands);
    set(&drafting, pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1,
        (const void *)&workspace);
    finalise(&drafting, pack, "the operands");
    if (drafting.status == CUDNN_STATUS_SUCCESS)
        note(&drafting, cudnnBackendExecute(handle, plan->plan, pack), "a convolution");
    destroy(pack);
    return drafted(&drafting, error);
}
