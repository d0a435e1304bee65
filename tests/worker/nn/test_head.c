#include "tests/worker/nn/reference.h"

#include "core/random.h"
#include "worker/nn/cpu/head.h"
#include "worker/nn/cpu/update.h"

#include <omp.h>

static const struct loss PLAIN = {.class_weights = {1, 1}};

enum { ROWS = 5, IN = 12, OUT = 7 };

struct fixture {
    const float *x, *w, *b, *dy;
    bool relu;
    enum { X, W, B } moving;
};

/* Not inlined: gcc 14 warns of reads of `moving` that `which` rules out. */
__attribute__((noinline)) static double part(const struct fixture *f, const double *moving,
                                             int which, const float *still, int index) {
    return (int)f->moving == which ? moving[index] : (double)still[index];
}

static double linear_reference(const void *context, const double *moving) {
    const struct fixture *f = context;
    double sum = 0;
    for (int n = 0; n < ROWS; n++)
        for (int o = 0; o < OUT; o++) {
            double y = part(f, moving, B, f->b, o);
            for (int i = 0; i < IN; i++)
                y += part(f, moving, X, f->x, n * IN + i) * part(f, moving, W, f->w, o * IN + i);
            sum += (f->relu && y < 0 ? 0 : y) * (double)f->dy[n * OUT + o];
        }
    return sum;
}

static void check_linear(const char *name, bool relu) {
    struct safetensors *data = data_open("layers.safetensors");
    const struct linear linear = {ROWS, IN, OUT, relu};
    float *x = data_floats(data, name, "x", NULL), *w = data_floats(data, name, "w", NULL);
    float *b = data_floats(data, name, "b", NULL), *dy = data_floats(data, name, "dy", NULL);
    float *incoming = data_floats(data, name, "dy", NULL);
    float y[ROWS * OUT], dw[OUT * IN], db[OUT], dx[ROWS * IN];
    linear_forward(&linear, x, w, b, y);
    linear_backward(&linear, x, w, y, incoming, dw, db, dx);
    assert_stored(data, name, "y", y);
    assert_stored(data, name, "dx", dx);
    assert_stored(data, name, "dw", dw);
    assert_stored(data, name, "db", db);
    struct fixture f = {x, w, b, dy, relu, X};
    const struct scalar scalar = {linear_reference, &f};
    assert_gradient("x", scalar, x, ROWS * IN, dx, 1e-5);
    f.moving = W;
    assert_gradient("w", scalar, w, OUT * IN, dw, 1e-5);
    f.moving = B;
    assert_gradient("b", scalar, b, OUT, db, 1e-5);
    float *all[] = {x, w, b, dy, incoming};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    safetensors_close(data);
}

static void a_linear_layer_is_pytorchs(void **state) {
    (void)state;
    check_linear("linear", false);
}

static void a_linear_layer_with_relu_is_pytorchs(void **state) {
    (void)state;
    check_linear("linear_relu", true);
}

enum { BATCH = 7, WIDE = 2048, HIDDEN = 130 };

/* All that a linear layer gives, of values with as many digits as a float has. */
struct linear_results {
    float output[BATCH * HIDDEN], weight[HIDDEN * WIDE], bias[HIDDEN], input[BATCH * WIDE];
};

static struct linear_results *linear_results(size_t out, int threads) {
    static float input[BATCH * WIDE], weight[HIDDEN * WIDE], bias[HIDDEN];
    float gradient[BATCH * HIDDEN];
    drawn("x", BATCH * WIDE, input);
    drawn("w", out * WIDE, weight);
    drawn("b", out, bias);
    drawn("dy", BATCH * out, gradient);
    const struct linear linear = {BATCH, WIDE, out, false};
    struct linear_results *results = zeroed(sizeof *results);
    omp_set_num_threads(threads);
    linear_forward(&linear, input, weight, bias, results->output);
    linear_backward(&linear, input, weight, results->output, gradient, results->weight,
                    results->bias, results->input);
    return results;
}

static void a_linear_layers_bits_do_not_follow_the_number_of_threads(void **state) {
    (void)state;
    for (size_t out = 2; out <= HIDDEN; out += HIDDEN - 2) {
        struct linear_results *one = linear_results(out, 1);
        for (int threads = 2; threads <= 16; threads++) {
            struct linear_results *many = linear_results(out, threads);
            assert_memory_equal(one, many, sizeof *one);
            free(many);
        }
        free(one);
    }
}

/* Quarters, of which all sums and products are exact. */
static void quarters(const char *name, size_t count, float *values) {
    drawn(name, count, values);
    for (size_t i = 0; i < count; i++)
        values[i] = roundf(values[i] * 4) / 4;
}

/* Widths are no multiple of what is summed or written together, and neither is the number of rows.
 */
static void whole_sums_of_a_wide_layer_come_out_exactly(void **state) {
    (void)state;
    enum { LONG = 1051 };
    static float x[BATCH * LONG], w[OUT * LONG], dw[OUT * LONG], dx[BATCH * LONG];
    float b[OUT], dy[BATCH * OUT], y[BATCH * OUT], db[OUT];
    const struct linear linear = {BATCH, LONG, OUT, false};
    quarters("x", BATCH * LONG, x);
    quarters("w", OUT * LONG, w);
    quarters("b", OUT, b);
    quarters("dy", BATCH * OUT, dy);
    linear_forward(&linear, x, w, b, y);
    linear_backward(&linear, x, w, y, dy, dw, db, dx);
    for (size_t n = 0; n < BATCH; n++)
        for (size_t o = 0; o < OUT; o++) {
            double sum = (double)b[o];
            for (size_t i = 0; i < LONG; i++)
                sum += (double)x[n * LONG + i] * (double)w[o * LONG + i];
            assert_true((double)y[n * OUT + o] == sum);
        }
    for (size_t i = 0; i < LONG; i++) {
        for (size_t o = 0; o < OUT; o++) {
            double sum = 0;
            for (size_t n = 0; n < BATCH; n++)
                sum += (double)dy[n * OUT + o] * (double)x[n * LONG + i];
            assert_true((double)dw[o * LONG + i] == sum);
        }
        for (size_t n = 0; n < BATCH; n++) {
            double sum = 0;
            for (size_t o = 0; o < OUT; o++)
                sum += (double)dy[n * OUT + o] * (double)w[o * LONG + i];
            assert_true((double)dx[n * LONG + i] == sum);
        }
    }
}

enum { PICTURES = 6 };
static const int32_t LABELS[PICTURES] = {0, 1, 0, 0, 1, 0};

/* The training loss of six rows of two logits, from the definition. */
static double loss_reference(const void *context, const double *z) {
    const struct loss *loss = context;
    double sum = 0, weights = 0;
    for (int n = 0; n < PICTURES; n++) {
        double whole = log(exp(z[2 * n]) + exp(z[2 * n + 1]));
        weights += loss->class_weights[LABELS[n]];
        sum += (1 - loss->label_smoothing) * loss->class_weights[LABELS[n]] *
               (whole - z[2 * n + LABELS[n]]);
        for (int i = 0; i < 2; i++)
            sum += loss->label_smoothing / 2 * loss->class_weights[i] * (whole - z[2 * n + i]);
    }
    return sum / weights;
}

static void check_loss(const char *name, struct loss loss) {
    struct safetensors *data = data_open("layers.safetensors");
    float *x = data_floats(data, name, "x", NULL), losses[PICTURES], dx[2 * PICTURES];
    double sum = 0, weights = 0;
    cross_entropy(&loss, PICTURES, x, LABELS, losses, dx);
    for (int i = 0; i < PICTURES; i++) {
        sum += (double)losses[i];
        weights += loss.class_weights[LABELS[i]];
    }
    assert_stored(data, name, "losses", losses);
    assert_stored(data, name, "loss", &(float){(float)(sum / weights)});
    assert_stored(data, name, "dx", dx);
    assert_gradient("x", (struct scalar){loss_reference, &loss}, x, 2 * PICTURES, dx, 1e-6);
    free(x);
    safetensors_close(data);
}

static void the_loss_and_its_gradient_are_pytorchs(void **state) {
    (void)state;
    check_loss("cross_entropy", PLAIN);
}

static void a_smoothed_loss_is_pytorchs(void **state) {
    (void)state;
    check_loss("cross_entropy_smooth", (struct loss){0.1, {1, 1}});
}

static void a_weighted_loss_is_pytorchs(void **state) {
    (void)state;
    check_loss("cross_entropy_weighted", (struct loss){0, {0.5, 3}});
    check_loss("cross_entropy_both", (struct loss){0.25, {0.5, 3}});
}

/* exp(1e4) is infinite in double, too: log-sum-exp must not take it. */
static void the_loss_of_huge_logits_is_finite(void **state) {
    (void)state;
    const float logits[] = {1e4F, -1e4F};
    float loss, gradient[2];
    cross_entropy(&PLAIN, 1, logits, &(int32_t){1}, &loss, gradient);
    assert_float_equal(loss, 2e4F, 1e-3F);
    assert_float_equal(gradient[0], 1, 1e-6F);
    assert_float_equal(gradient[1], -1, 1e-6F);
}

static void dropout_draws_depend_on_seed_epoch_and_sample_alone(void **state) {
    (void)state;
    enum { FEATURES = 1000 };
    float two[2 * FEATURES], swapped[2 * FEATURES], later[2 * FEATURES];
    struct dropout dropout = {2, FEATURES, 0.25, 7, 3, (const uint64_t[]){11, 42}};
    dropout_draw(&dropout, two);
    dropout.samples = (const uint64_t[]){42, 11};
    dropout_draw(&dropout, swapped);
    dropout.epoch = 4;
    dropout_draw(&dropout, later);
    assert_memory_equal(two, swapped + FEATURES, FEATURES * sizeof(float));
    assert_memory_equal(two + FEATURES, swapped, FEATURES * sizeof(float));
    assert_memory_not_equal(swapped, later, FEATURES * sizeof(float));
}

static void dropout_drops_its_share_and_scales_the_rest(void **state) {
    (void)state;
    enum { FEATURES = 20000 };
    static float factors[FEATURES];
    struct dropout dropout = {1, FEATURES, 0.25, 1, 1, (const uint64_t[]){5}};
    dropout_draw(&dropout, factors);
    int dropped = 0;
    for (int i = 0; i < FEATURES; i++) {
        dropped += factors[i] == 0;
        assert_true(factors[i] == 0 || factors[i] == (float)(1 / 0.75));
    }
    /* four standard deviations of a binomial: 4 * sqrt(20000 * 0.25 * 0.75) = 245 */
    assert_in_range(dropped, 5000 - 245, 5000 + 245);
}

static void check_optimizer(const char *name, struct optimizer optimizer) {
    struct safetensors *data = data_open("layers.safetensors");
    size_t count, moments = optimizer_moments(&optimizer);
    float *value = data_floats(data, name, "before", &count);
    float *m = moments > 0 ? zeroed(count * sizeof(float)) : NULL;
    float *v = moments > 1 ? zeroed(count * sizeof(float)) : NULL;
    struct update update = {optimizer, 0};
    update.optimizer.lr = 2e-2;
    for (int step = 0; step < 3; step++) {
        char which[32];
        snprintf(which, sizeof which, "gradient%d", step);
        float *gradient = data_floats(data, name, which, NULL);
        update.step++;
        update_apply(&update, count, value, gradient, m, v);
        free(gradient);
    }
    float *after = data_floats(data, name, "after", NULL);
    assert_close("value", value, after, count, 1e-7);
    if (m != NULL)
        assert_stored(data, name, "m", m);
    if (v != NULL)
        assert_stored(data, name, "v", v);
    float *all[] = {value, m, v, after};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    safetensors_close(data);
}

static const struct optimizer ADAM = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};

static void adam_takes_pytorchs_steps(void **state) {
    (void)state;
    check_optimizer("adam", ADAM);
}

static void adam_adds_the_decay_to_the_gradient(void **state) {
    (void)state;
    struct optimizer adam = ADAM;
    adam.weight_decay = 0.1;
    check_optimizer("adam_decay", adam);
}

static void adamw_takes_pytorchs_steps(void **state) {
    (void)state;
    struct optimizer adamw = ADAM;
    adamw.name = OPTIMIZER_ADAMW;
    adamw.weight_decay = 0.1;
    check_optimizer("adamw", adamw);
}

static void sgd_takes_pytorchs_steps(void **state) {
    (void)state;
    struct optimizer sgd = {.name = OPTIMIZER_SGD, .weight_decay = 0.1};
    check_optimizer("sgd", sgd);
    sgd = (struct optimizer){.name = OPTIMIZER_SGD, .momentum = 0.9};
    check_optimizer("sgd_momentum", sgd);
    sgd.weight_decay = 0.1;
    sgd.nesterov = true;
    check_optimizer("sgd_nesterov", sgd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_linear_layer_is_pytorchs),
        cmocka_unit_test(a_linear_layer_with_relu_is_pytorchs),
        cmocka_unit_test(whole_sums_of_a_wide_layer_come_out_exactly),
        cmocka_unit_test(a_linear_layers_bits_do_not_follow_the_number_of_threads),
        cmocka_unit_test(the_loss_and_its_gradient_are_pytorchs),
        cmocka_unit_test(a_smoothed_loss_is_pytorchs),
        cmocka_unit_test(a_weighted_loss_is_pytorchs),
        cmocka_unit_test(the_loss_of_huge_logits_is_finite),
        cmocka_unit_test(dropout_draws_depend_on_seed_epoch_and_sample_alone),
        cmocka_unit_test(dropout_drops_its_share_and_scales_the_rest),
        cmocka_unit_test(adam_takes_pytorchs_steps),
        cmocka_unit_test(adam_adds_the_decay_to_the_gradient),
        cmocka_unit_test(adamw_takes_pytorchs_steps),
        cmocka_unit_test(sgd_takes_pytorchs_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
