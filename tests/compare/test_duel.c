#include "compare/duel.h"

#include "tests/values.h"

#include <stdio.h>
#include <stdlib.h>

static struct scored_picture score_of(const char *path, int label, double probability) {
    return (struct scored_picture){
        .path = (char *)(size_t)path, .label = label, .probability = probability};
}

static void pictures_are_paired_by_path_whatever_their_order(void **state) {
    (void)state;
    struct scored_picture a[] = {score_of("c", 1, 0.9), score_of("a", 0, 0.2),
                                 score_of("b", 1, 0.4), score_of("aa", 0, 0.3)};
    struct scored_picture b[] = {score_of("b", 1, 0.6), score_of("d", 0, 0.1),
                                 score_of("a", 0, 0.7)};
    struct duel duel = {0};
    assert_true(duel_pair(&(struct score_list){a, 4}, &(struct score_list){b, 3}, &duel));
    assert_int_equal(duel.pictures, 2);
    assert_int_equal(paired_only_first(&duel.paired), 1);  /* a */
    assert_int_equal(paired_only_second(&duel.paired), 1); /* b */
    assert_near(duel.p, 1, 0);
}

/* As in counts and ratios: at one half it is called fake. */
static void a_picture_is_called_real_above_one_half(void **state) {
    (void)state;
    struct scored_picture a[] = {score_of("a", 1, 0.5), score_of("b", 1, 0.501)};
    struct scored_picture b[] = {score_of("a", 1, 0.501), score_of("b", 1, 0.5)};
    struct duel duel = {0};
    assert_true(duel_pair(&(struct score_list){a, 2}, &(struct score_list){b, 2}, &duel));
    assert_int_equal(paired_only_first(&duel.paired), 1);  /* b */
    assert_int_equal(paired_only_second(&duel.paired), 1); /* a */
}

static void a_path_that_stands_twice_counts_once(void **state) {
    (void)state;
    struct scored_picture a[] = {score_of("a", 0, 0.2), score_of("a", 0, 0.2),
                                 score_of("b", 0, 0.2)};
    struct scored_picture b[] = {score_of("a", 0, 0.7), score_of("b", 0, 0.7),
                                 score_of("b", 0, 0.7)};
    struct duel duel = {0};
    assert_true(duel_pair(&(struct score_list){a, 3}, &(struct score_list){b, 3}, &duel));
    assert_int_equal(duel.pictures, 2);
    assert_int_equal(paired_only_first(&duel.paired), 2);
}

/* --- the sentences --- */

static const char *const experiments =
    "[{\"id\": 1, \"name\": \"a\"}, {\"id\": 2, \"name\": \"b\"}, {\"id\": 3, \"name\": \"c\"}]";

static struct duel duel_of(const struct contender *first, const struct contender *second, double p,
                           double difference) {
    return (struct duel){.first = {first, CHECKPOINT_BEST},
                         .second = {second, CHECKPOINT_LAST},
                         .pictures = 100,
                         .p = p,
                         .difference = difference};
}

static void assert_verdict(size_t ranked, const struct duel *duels, size_t count,
                           const char *expected) {
    char *text = duels_verdict(duels[0].first.contender, ranked, duels, count);
    assert_string_equal(text, expected);
    free(text);
}

static void the_verdict_says_what_the_test_pictures_can_tell(void **state) {
    (void)state;
    cJSON *all = parsed(experiments);
    cJSON *valid = parsed("{\"epoch\": 7, \"accuracy\": 0.9731, \"loss\": 0.0843}");
    struct contender three[3];
    for (int i = 0; i < 3; i++)
        three[i] = (struct contender){.experiment = cJSON_GetArrayItem(all, i),
                                      .evaluations = {{valid, NULL}},
                                      .keep = CHECKPOINT_BEST};
#define KEEP "Keep the best checkpoint of 1 a (epoch 7): validation accuracy 0.9731, loss 0.0843."
    assert_verdict(1, (struct duel[]){duel_of(&three[0], &three[0], 0.38, -0.01)}, 1,
                   KEEP " On the test pictures nothing but chance parts it from its last (p = "
                        "0.38).");
    assert_verdict(1, (struct duel[]){duel_of(&three[0], &three[0], 0.01, 0.02)}, 1,
                   KEEP " On the test pictures it is worse than its last (p = 0.01).");
    assert_verdict(2, (struct duel[]){duel_of(&three[0], &three[1], 0.2, 0)}, 1,
                   KEEP " The test pictures cannot tell it from the other.");
    assert_verdict(3,
                   (struct duel[]){duel_of(&three[0], &three[1], 0.2, 0),
                                   duel_of(&three[0], &three[2], 0.05, -0.1)},
                   2, KEEP " The test pictures cannot tell it from the others.");
    assert_verdict(3,
                   (struct duel[]){duel_of(&three[0], &three[1], 0.2, 0),
                                   duel_of(&three[0], &three[2], 0.001, -0.1)},
                   2,
                   KEEP " Of the 2 others the test pictures show it better than 1 and worse than "
                        "0, and cannot tell for 1.");
    /* others that it did not meet: more than DUELS_MAX, or without scores */
    assert_verdict(4,
                   (struct duel[]){duel_of(&three[0], &three[1], 0.2, 0),
                                   duel_of(&three[0], &three[2], 0.05, -0.1)},
                   2, KEEP " The test pictures cannot tell it from 2 others; 1 was not compared.");
    assert_verdict(4, (struct duel[]){duel_of(&three[0], &three[1], 0.2, 0)}, 1,
                   KEEP " The test pictures cannot tell it from 1 other; 2 were not compared.");
    assert_verdict(25, (struct duel[]){duel_of(&three[0], &three[1], 0.001, -0.1)}, 1,
                   KEEP " Of 1 other the test pictures show it better than 1 and worse than 0, and "
                        "cannot tell for 0; 23 were not compared.");
    assert_verdict(2, (struct duel[]){duel_of(&three[0], &three[0], 0.01, 0.02)}, 1,
                   KEEP " On the test pictures it is worse than its last (p = 0.01)."
                        " 1 other was not compared.");
    assert_verdict(3, (struct duel[]){duel_of(&three[0], &three[0], 0.01, 0.02)}, 1,
                   KEEP " On the test pictures it is worse than its last (p = 0.01)."
                        " 2 others were not compared.");
    cJSON_Delete(valid);
    cJSON_Delete(all);
}

/* As of five real pictures, a tenth of which is none. */
static void the_verdict_says_which_label_has_not_been_validated_on(void **state) {
    (void)state;
    static const struct {
        const char *valid, *said;
    } cases[] = {
        {"{\"epoch\": 3, \"true_positive\": 0, \"true_negative\": 40, \"false_positive\": 4, "
         "\"false_negative\": 0}",
         " All validation pictures have the label 0: neither number says how it does on label 1."},
        {"{\"epoch\": 3, \"true_positive\": 0, \"true_negative\": 0, \"false_positive\": 0, "
         "\"false_negative\": 2}",
         " All validation pictures have the label 1: neither number says how it does on label 0."},
        {"{\"epoch\": 3, \"true_positive\": 0, \"true_negative\": 0, \"false_positive\": 1, "
         "\"false_negative\": 2}",
         ""},
    };
    cJSON *all = parsed(experiments);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cJSON *valid = parsed(cases[i].valid);
        struct contender best = {.experiment = all->child, .evaluations = {{valid, NULL}}};
        char expected[300];
        snprintf(expected, sizeof expected,
                 "Keep the best checkpoint of 1 a (epoch 3): validation accuracy n/a, loss n/a.%s",
                 cases[i].said);
        char *text = duels_verdict(&best, 1, NULL, 0);
        assert_string_equal(text, expected);
        free(text);
        cJSON_Delete(valid);
    }
    cJSON_Delete(all);
}

/* As where a matrix varies data.split.seed: of ten and eight pictures, few are in both. */
static void the_verdict_says_on_how_few_pictures_it_stands(void **state) {
    (void)state;
    cJSON *all = parsed(experiments);
    cJSON *valid = parsed("{\"epoch\": 7, \"accuracy\": 0.9731, \"loss\": 0.0843}");
    cJSON *ten = parsed("{\"true_positive\": 1, \"true_negative\": 2, \"false_positive\": 3,"
                        " \"false_negative\": 4}");
    cJSON *eight = parsed("{\"true_positive\": 8, \"true_negative\": 0, \"false_positive\": 0,"
                          " \"false_negative\": 0}");
    struct contender a = {.experiment = cJSON_GetArrayItem(all, 0), .evaluations = {{valid, ten}}},
                     b = {.experiment = cJSON_GetArrayItem(all, 1), .evaluations = {{valid, ten}}},
                     c = {.experiment = cJSON_GetArrayItem(all, 2),
                          .evaluations = {{valid, eight}}};
    struct duel duels[] = {duel_of(&a, &b, 0.2, 0), duel_of(&a, &c, 0.2, 0)};
    duels[0].second.checkpoint = CHECKPOINT_BEST;
    duels[1].second.checkpoint = CHECKPOINT_BEST;
    duels[0].pictures = 10;
    duels[1].pictures = 8;
#define SHARED                                                                                     \
    " The test pictures cannot tell it from the others. Not all were tested on the same pictures:" \
    " only those that two share are compared, as few as "
    assert_verdict(2, duels, 1, KEEP " The test pictures cannot tell it from the other.");
    assert_verdict(3, duels, 2, KEEP SHARED "8.");
    duels[1].pictures = 3;
    assert_verdict(3, duels, 2, KEEP SHARED "3.");
    duels[0].pictures = 9;
    duels[1].second.contender = &b;
    duels[1].pictures = 10;
    assert_verdict(3, duels, 2, KEEP SHARED "9.");
    cJSON_Delete(eight);
    cJSON_Delete(ten);
    cJSON_Delete(valid);
    cJSON_Delete(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_paired_by_path_whatever_their_order),
        cmocka_unit_test(a_picture_is_called_real_above_one_half),
        cmocka_unit_test(a_path_that_stands_twice_counts_once),
        cmocka_unit_test(the_verdict_says_what_the_test_pictures_can_tell),
        cmocka_unit_test(the_verdict_says_which_label_has_not_been_validated_on),
        cmocka_unit_test(the_verdict_says_on_how_few_pictures_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
