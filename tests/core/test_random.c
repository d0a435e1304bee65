#include "core/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* python3.11 -c 'import random
 * for s in SEEDS: random.seed(s); print(s, [random.getrandbits(32) for _ in range(3)], end=" ")
 *                 l = list(range(10)); random.shuffle(l); print(l)' */
static void mt19937_gives_cpythons_words_and_shuffles_for_seeds_of_any_size(void **state) {
    (void)state;
    static const struct {
        uint64_t seed;
        uint32_t words[3];
        size_t shuffled[10];
    } expected[] = {
        {0, {3626764237, 1654615998, 3255389356}, {8, 9, 1, 2, 5, 3, 7, 4, 0, 6}},
        {1, {577090037, 2444712010, 3639700191}, {7, 2, 0, 8, 5, 6, 3, 9, 4, 1}},
        {42, {2746317213, 478163327, 107420369}, {7, 6, 2, 9, 0, 5, 1, 8, 3, 4}},
        {4294967295, {2728839433, 2661025012, 872737089}, {0, 6, 1, 5, 9, 2, 7, 4, 8, 3}},
        {4294967296, {485306839, 1508871100, 1794561286}, {1, 2, 7, 8, 3, 4, 6, 5, 9, 0}},
        {12345678901234, {107551873, 2403399316, 624174316}, {2, 4, 0, 1, 7, 3, 5, 9, 8, 6}},
        {18446744073709551615u, {93740670, 1068495656, 1452108352}, {1, 8, 6, 5, 2, 0, 4, 7, 3, 9}},
    };
    for (size_t s = 0; s < sizeof expected / sizeof expected[0]; s++) {
        struct mt19937 generator;
        mt19937_seed(&generator, expected[s].seed);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(mt19937_next(&generator), expected[s].words[i]);
        size_t indexes[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
        mt19937_shuffle(&generator, indexes, 10);
        assert_memory_equal(indexes, expected[s].shuffled, sizeof indexes);
    }
}

/* random.seed(0); [random.getrandbits(32) for _ in range(1000)][-1] */
static void mt19937_goes_on_past_its_first_block_of_624_words(void **state) {
    (void)state;
    struct mt19937 generator;
    mt19937_seed(&generator, 0);
    uint32_t word = 0;
    for (int i = 0; i < 1000; i++)
        word = mt19937_next(&generator);
    assert_int_equal(word, 2971151651u);
}

static uint64_t digest(const size_t *indexes, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value * 1000003u + indexes[i];
    return value;
}

/* random.seed(0); l = list(range(4000)); random.shuffle(l); h = 0
 * for v in l: h = (h * 1000003 + v) % 2**64
 * print(l[:8], l[-8:], h) */
static void the_notebooks_shuffle_of_4000_is_cpythons(void **state) {
    (void)state;
    static size_t indexes[4000];
    for (size_t i = 0; i < 4000; i++)
        indexes[i] = i;
    struct mt19937 generator;
    mt19937_seed(&generator, 0);
    mt19937_shuffle(&generator, indexes, 4000);
    static const size_t first[] = {2314, 3128, 1211, 666, 1266, 1627, 2831, 2975};
    static const size_t last[] = {3954, 1060, 165, 1722, 3646, 3104, 1577, 3458};
    assert_memory_equal(indexes, first, sizeof first);
    assert_memory_equal(indexes + 3992, last, sizeof last);
    assert_int_equal(digest(indexes, 4000), 1996758810744437304u);
}

/* random.seed(7), then for each n: l = list(range(n)); random.shuffle(l); digest as above;
 * at the end random.getrandbits(32) */
static void shuffles_of_many_lengths_follow_each_other_as_in_cpython(void **state) {
    (void)state;
    static const struct {
        size_t count;
        uint64_t digest;
    } expected[] = {{1, 0},
                    {2, 1},
                    {3, 2000013000021},
                    {64, 5775691519669645236},
                    {65, 10990611472366440886u},
                    {1025, 17356315766269263976u}};
    size_t indexes[1025];
    struct mt19937 generator;
    mt19937_seed(&generator, 7);
    for (size_t s = 0; s < sizeof expected / sizeof expected[0]; s++) {
        for (size_t i = 0; i < expected[s].count; i++)
            indexes[i] = i;
        mt19937_shuffle(&generator, indexes, expected[s].count);
        assert_int_equal(digest(indexes, expected[s].count), expected[s].digest);
    }
    assert_int_equal(mt19937_next(&generator), 3969529356u);
}

static void shuffling_nothing_draws_nothing(void **state) {
    (void)state;
    struct mt19937 generator;
    mt19937_seed(&generator, 0);
    mt19937_shuffle(&generator, NULL, 0);
    assert_int_equal(mt19937_next(&generator), 3626764237u);
}

/* Random123, tests/kat_vectors, the three lines of philox4x32 with 10 rounds. */
static void philox_answers_random123s_known_questions(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } expected[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < 3; i++) {
        uint32_t out[4];
        philox4x32(expected[i].counter, expected[i].key, out);
        assert_memory_equal(out, expected[i].out, sizeof out);
    }
}

static void a_stream_is_the_blocks_of_its_seed_purpose_epoch_and_sample(void **state) {
    (void)state;
    struct random_stream stream;
    random_open(&stream, 0x1122334455667788, RANDOM_AUGMENT, 7, 0xabcdef01234567);
    const uint32_t key[2] = {0x55667788, 0x11223344};
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, 0xef01234567u & 0xffffffffu, 7, 0xabcdef02};
        uint32_t expected[4];
        philox4x32(counter, key, expected);
        for (int i = 0; i < 4; i++)
            assert_int_equal(random_u32(&stream), expected[i]);
    }
}

static void streams_of_other_purpose_epoch_or_sample_differ(void **state) {
    (void)state;
    struct random_stream streams[5];
    random_open(&streams[0], 1, RANDOM_AUGMENT, 1, 1);
    random_open(&streams[1], 1, RANDOM_DROPOUT, 1, 1);
    random_open(&streams[2], 1, RANDOM_AUGMENT, 2, 1);
    random_open(&streams[3], 1, RANDOM_AUGMENT, 1, 0x100000001);
    random_open(&streams[4], 0x100000001, RANDOM_AUGMENT, 1, 1);
    uint32_t words[5];
    for (size_t i = 0; i < 5; i++) {
        words[i] = random_u32(&streams[i]);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(words[i], words[j]);
    }
}

static void uniform_and_range_stay_in_their_half_open_interval(void **state) {
    (void)state;
    struct random_stream stream;
    random_open(&stream, 3, RANDOM_AUGMENT, 0, 0);
    double sum = 0, range_sum = 0;
    for (int i = 0; i < 100000; i++) {
        double u = random_uniform(&stream);
        assert_true(u >= 0 && u < 1);
        sum += u;
        double r = random_range(&stream, -2, 4);
        assert_true(r >= -2 && r < 4);
        range_sum += r;
    }
    assert_true(fabs(range_sum / 100000 - 1) < 5 * sqrt(36.0 / 12 / 100000));
    assert_true(fabs(sum / 100000 - 0.5) < 5 * sqrt(1.0 / 12 / 100000));
}

static void below_gives_every_number_equally_often(void **state) {
    (void)state;
    struct random_stream stream;
    random_open(&stream, 4, RANDOM_AUGMENT, 0, 0);
    double seen[7] = {0}, chi_squared = 0;
    for (int i = 0; i < 70000; i++)
        seen[random_below(&stream, 7)]++;
    for (int i = 0; i < 7; i++)
        chi_squared += (seen[i] - 10000) * (seen[i] - 10000) / 10000;
    assert_true(chi_squared < 22.46); /* 6 degrees of freedom, p = 0.001 */
    assert_int_equal(random_below(&stream, 1), 0);
}

static void below_has_no_bias_where_a_plain_remainder_has_most(void **state) {
    (void)state;
    /* word % 3 * 2^30 would give the first third of the range twice as often. */
    struct random_stream stream;
    random_open(&stream, 5, RANDOM_AUGMENT, 0, 0);
    int first = 0;
    for (int i = 0; i < 30000; i++)
        first += random_below(&stream, 3u << 30) < 1u << 30;
    assert_true(abs(first - 10000) < 410); /* 5 standard deviations */
}

static void normal_has_mean_0_variance_1_and_normal_tails(void **state) {
    (void)state;
    struct random_stream stream;
    random_open(&stream, 6, RANDOM_INITIAL, 0, 0);
    double sum = 0, squares = 0, beyond_2 = 0;
    const int count = 200000;
    for (int i = 0; i < count; i++) {
        double value = random_normal(&stream);
        sum += value;
        squares += value * value;
        beyond_2 += fabs(value) > 2;
    }
    assert_true(fabs(sum / count) < 5 / sqrt(count));
    assert_true(fabs(squares / count - 1) < 5 * sqrt(2.0 / count));
    assert_true(fabs(beyond_2 / count - 0.0455) < 0.0025);
}

/* math.sqrt(-2 * math.log(1 - w[i] / 2**32)) * math.cos(2 * math.pi * w[i + 1] / 2**32) of Philox's
 * words w for the key 6, 0 and the counters 0, 1, 0, 4 and 1, 1, 0, 4. */
static void normals_are_the_cosine_branch_of_box_and_muller(void **state) {
    (void)state;
    static const double expected[] = {1.978529354313813, 1.1558539181042289, -0.664909545628327,
                                      0.04941814775483429};
    struct random_stream stream;
    random_open(&stream, 6, RANDOM_INITIAL, 0, 1);
    for (size_t i = 0; i < 4; i++)
        assert_float_equal(random_normal(&stream), expected[i], 1e-14);
}

static void normals_can_be_had_from_the_middle(void **state) {
    (void)state;
    double normals[101];
    struct random_stream stream;
    random_open(&stream, 6, RANDOM_INITIAL, 0, 1);
    for (size_t i = 0; i < 101; i++)
        normals[i] = random_normal(&stream);
    for (size_t first = 0; first < 101; first += 2)
        for (size_t count = 0; count <= 101 - first; count += 1 + count / 2) {
            double some[101];
            random_normals(&stream, (uint32_t)first, count, some);
            assert_memory_equal(some, normals + first, count * sizeof *some);
        }
}

static void random_shuffle_permutes_and_reaches_every_order(void **state) {
    (void)state;
    int seen[6] = {0};
    for (uint32_t epoch = 0; epoch < 6000; epoch++) {
        struct random_stream stream;
        random_open(&stream, 9, RANDOM_SHUFFLE, epoch, 0);
        size_t order[3] = {0, 1, 2};
        random_shuffle(&stream, order, 3);
        assert_int_equal(1u << order[0] | 1u << order[1] | 1u << order[2], 7);
        seen[2 * order[0] + (order[1] > order[2])]++;
    }
    for (int i = 0; i < 6; i++)
        assert_true(abs(seen[i] - 1000) < 150);
}

static void any_word_of_a_stream_can_be_had_alone(void **state) {
    (void)state;
    const uint64_t seed = UINT64_C(0x123456789abcdef), sample = UINT64_C(0x51234567890abc);
    struct random_stream stream;
    random_open(&stream, seed, RANDOM_DROPOUT, 7, sample);
    for (uint32_t i = 0; i < 41; i++)
        assert_int_equal(philox_word(seed, RANDOM_DROPOUT, 7, sample, i), random_u32(&stream));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mt19937_gives_cpythons_words_and_shuffles_for_seeds_of_any_size),
        cmocka_unit_test(mt19937_goes_on_past_its_first_block_of_624_words),
        cmocka_unit_test(the_notebooks_shuffle_of_4000_is_cpythons),
        cmocka_unit_test(shuffles_of_many_lengths_follow_each_other_as_in_cpython),
        cmocka_unit_test(shuffling_nothing_draws_nothing),
        cmocka_unit_test(philox_answers_random123s_known_questions),
        cmocka_unit_test(a_stream_is_the_blocks_of_its_seed_purpose_epoch_and_sample),
        cmocka_unit_test(streams_of_other_purpose_epoch_or_sample_differ),
        cmocka_unit_test(uniform_and_range_stay_in_their_half_open_interval),
        cmocka_unit_test(below_gives_every_number_equally_often),
        cmocka_unit_test(below_has_no_bias_where_a_plain_remainder_has_most),
        cmocka_unit_test(normal_has_mean_0_variance_1_and_normal_tails),
        cmocka_unit_test(normals_are_the_cosine_branch_of_box_and_muller),
        cmocka_unit_test(normals_can_be_had_from_the_middle),
        cmocka_unit_test(random_shuffle_permutes_and_reaches_every_order),
        cmocka_unit_test(any_word_of_a_stream_can_be_had_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
