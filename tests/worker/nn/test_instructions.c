/* A training step gives the same bits with AVX2 alone and with AVX-512: activations stand in blocks
 * of 8 channels there and of 16 here, as oneDNN has it. It heeds its environment when it begins, so
 * each step is a program of its own; that with AVX2 is another, whose loops are compiled for no
 * more, where there is one. */
#include "tests/worker/nn/model_fixture.h"

#include "worker/nn/cpu/product.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 49, COUNT = 5 };

static const char *program; /* this one */

static void write_state(const struct fixture *f, enum model_state state, size_t index, FILE *to) {
    float *values = state_of(f, state, index);
    size_t count = f->network.parameters[index].count;
    assert_int_equal(fwrite(values, sizeof *values, count, to), count);
    free(values);
}

/* Two steps and an evaluation, and all that they come to. */
static int steps(const char *arch, const char *path) {
    struct fixture *f = fixture_new(arch, HEAD_LINEAR, COUNT, SIDE, 0);
    FILE *to = fopen(path, "wb");
    assert_non_null(to);
    train(f, 1);
    train(f, 2);
    for (size_t i = 0; i < f->network.parameter_count; i++) {
        write_state(f, MODEL_VALUE, i, to);
        if (f->network.parameters[i].trainable)
            write_state(f, MODEL_GRADIENT, i, to);
    }
    evaluate(f);
    assert_int_equal(fwrite(f->losses, sizeof *f->losses, COUNT, to), COUNT);
    assert_int_equal(fclose(to), 0);
    fixture_free(f);
    return 0;
}

static void run_steps(const char *how, const char *arch, const char *path) {
    char command[3 * PATH_MAX];
    snprintf(command, sizeof command, "%s %s '%s'", how, arch, path);
    assert_int_equal(system(command), 0);
}

static void check(const char *arch) {
    if (!product_is_fast(16))
        skip();
    char folder[] = "/tmp/assay-test-instructions-XXXXXX", command[3 * PATH_MAX];
    char one[PATH_MAX], other[PATH_MAX], old[PATH_MAX], how[PATH_MAX + 64];
    assert_non_null(mkdtemp(folder));
    snprintf(one, sizeof one, "%s/avx2", folder);
    snprintf(other, sizeof other, "%s/avx512", folder);
    snprintf(old, sizeof old, "%s.x86-64-v3", program);
    snprintf(how, sizeof how, "DNNL_MAX_CPU_ISA=AVX2 ONEDNN_MAX_CPU_ISA=AVX2 '%s'",
             access(old, X_OK) == 0 ? old : program);
    run_steps(how, arch, one);
    snprintf(how, sizeof how, "'%s'", program);
    run_steps(how, arch, other);
    snprintf(command, sizeof command, "cmp '%s' '%s' && rm -r '%s'", one, other, folder);
    assert_int_equal(system(command), 0);
}

static void a_resnet18_is_trained_to_the_same_bits(void **state) {
    (void)state;
    check("resnet18");
}

static void a_resnet50_is_trained_to_the_same_bits(void **state) {
    (void)state;
    check("resnet50");
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resnet18_is_trained_to_the_same_bits),
        cmocka_unit_test(a_resnet50_is_trained_to_the_same_bits),
    };
    program = argv[0];
    if (argc > 2)
        return steps(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
