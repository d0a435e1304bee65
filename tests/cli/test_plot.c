/* What assay plot draws, and the page that assay report makes. */
#include "cli/command.h"
#include "cli/drawing.h"
#include "cli/plots.h"
#include "cli/report_page.h"
#include "cli/report_parts.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/picture.h"
#include "core/text.h"
#include "tests/cli/results.h"
#include "tests/sample_picture.h"
#include "tests/temporary.h"

#include <openssl/evp.h>
#include <sys/stat.h>

/* Runs `assay plot` into FOLDER/p.svg and gives the picture; free it. */
static char *plotted(void **state, char *first, char *second, char *kind) {
    char *path = temporary_path(state, "p.svg"), *svg, expected[600];
    size_t length;
    snprintf(expected, sizeof expected, "%s\n", path);
    assert_run(RUN(command_plot, "plot", first, second, "--kind", kind, "--out", path), 0, expected,
               "");
    assert_true(file_read(path, 1 << 23, &svg, &length, NULL));
    free(path);
    return svg;
}

static void assert_says(const char *text, const char *part) {
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in: %s", part, text);
}

static int count_of(const char *text, const char *part) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* The words of a picture, a bar behind each; free them. */
static char *words_of(const char *svg) {
    struct text words = {0};
    for (const char *at = svg; (at = strstr(at, "<text ")) != NULL;) {
        const char *word = strchr(at, '>') + 1;
        at = strstr(word, "</text>");
        text_add(&words, word, (size_t)(at - word));
        text_add(&words, "|", 1);
    }
    return text_take(&words);
}

/* How far down the word stands, and how far the picture reaches. */
static double height_of(const char *svg, const char *word, double *end) {
    const char *at = strstr(svg, word), *height = strstr(svg, " height=\"");
    assert_non_null(at);
    assert_non_null(height);
    *end = strtod(height + strlen(" height=\""), NULL);
    while (strncmp(at, " y=\"", 4) != 0)
        at--;
    return strtod(at + 4, NULL);
}

static void plot_draws_curves_with_names_units_and_the_best_epoch(void **state) {
    char *svg = plotted(state, "1", "4", "sheet");
    assert_says(svg, ">1 flip,seed=0 (best: epoch 2)</text>");
    assert_says(svg, ">4 none,seed=1 (best: epoch 1)</text>");
    assert_says(svg, ">cross-entropy (nats)</text>");
    assert_says(svg, ">learning rate (logarithmic)</text>");
    assert_says(svg, ">by epoch: validation strong, training faint; the ring marks the lowest "
                     "validation loss</text>");
    free(svg);
    svg = plotted(state, "1", "4", "learning_rate");
    assert_says(svg, ">by epoch; the ring marks the lowest validation loss</text>");
    free(svg);
}

static void experiments_of_several_groups_have_their_whole_names(void **state) {
    regrouped = true;
    char *svg = plotted(state, "1", "4", "sheet");
    regrouped = false;
    assert_says(svg, ">2 experiments</text>");
    assert_says(svg, ">1 demo/flip,seed=0 (best: epoch 2)</text>");
    free(svg);
}

static void panels_below_the_first_are_in_the_picture(void **state) {
    double end;
    char *svg = plotted(state, "1", "4", "sheet");
    double loss = height_of(svg, ">cross-entropy (nats)<", &end);
    double rate = height_of(svg, ">learning rate (logarithmic)<", &end);
    assert_true(loss + 320 < rate && rate + 160 < end);
    free(svg);
}

static void plot_has_a_logarithmic_axis_for_losses_far_apart(void **state) {
    diverged = true;
    char *svg = plotted(state, "1", "4", "loss");
    diverged = false;
    assert_says(svg, ">cross-entropy (nats, logarithmic)</text>");
    assert_says(svg, ">10</text>");
    free(svg);
}

/* One experiment of that state, its validation losses a JSON array, of which the last is marked. */
static cJSON *with_losses(const char *state, const char *losses) {
    struct text text = {0};
    text_format(&text, "[{\"id\": 1, \"name\": \"x\", \"state\": \"%s\", \"history\": []}]", state);
    cJSON *experiments = parsed(text_string(&text)), *values = parsed(losses);
    text_free(&text);
    while (cJSON_GetArraySize(values) > 0) {
        cJSON *report = cJSON_CreateObject();
        cJSON *history = cJSON_GetObjectItem(experiments->child, "history");
        cJSON_AddNumberToObject(report, "epoch", 1 + cJSON_GetArraySize(history));
        cJSON_AddTrueToObject(report, "best");
        cJSON_AddItemToObject(cJSON_AddObjectToObject(report, "valid"), "loss",
                              cJSON_DetachItemFromArray(values, 0));
        cJSON_AddItemToArray(history, report);
    }
    cJSON_Delete(values);
    return experiments;
}

/* The loss by epoch; free it. */
static char *drawn_losses(const char *losses) {
    struct error error = {0};
    struct text svg = {0};
    cJSON *experiments = with_losses("done", losses);
    struct drawing *drawing = plots_curves("", experiments, PLOT_LOSS, &error);
    assert_non_null(drawing);
    drawing_svg(drawing, "", &svg);
    drawing_free(drawing);
    cJSON_Delete(experiments);
    return text_take(&svg);
}

/* The first chart is 440 high at 126, the others 320 at 602, 546 wide at 36 and 618. Of each go 78
 * at the left, 30 at the top and 46 at the foot. */
static void training_is_faint_beside_validation_and_each_panel_has_its_place(void **state) {
    (void)state;
    struct error error = {0};
    struct text svg = {0}, loss = {0};
    cJSON *experiments = parsed(
        "[{\"id\": 1, \"name\": \"x\", \"history\": ["
        "{\"epoch\": 1, \"learning_rate\": 1e-3, \"train\": {\"loss\": 1, \"accuracy\": 0.5},"
        " \"valid\": {\"loss\": 0.8, \"accuracy\": 0.6}},"
        "{\"epoch\": 2, \"learning_rate\": 1e-4, \"train\": {\"loss\": 0.5, \"accuracy\": 1},"
        " \"valid\": {\"loss\": 0.6, \"accuracy\": 0.9}, \"best\": true}]}]");
    struct drawing *drawing =
        plots_curves("", experiments, PLOT_LOSS | PLOT_ACCURACY | PLOT_LEARNING_RATE, &error);
    drawing_svg(drawing, "", &svg);
    drawing_free(drawing);
    static const char *const lines[] = {
        "\"1.2\" stroke-opacity=\"0.55\" points=\"114.00,156.00 1164.00,520.00\"/>",
        "\"2.2\" points=\"114.00,301.60 1164.00,447.20\"/>",
        "\"1.2\" stroke-opacity=\"0.55\" points=\"114.00,876.00 582.00,632.00\"/>",
        "\"2.2\" points=\"114.00,827.20 582.00,680.80\"/>",
        "\"2.2\" points=\"696.00,632.00 1164.00,876.00\"/>",
        "cx=\"1164.00\" cy=\"447.20\"",
        "cx=\"582.00\" cy=\"680.80\"",
        "cx=\"1164.00\" cy=\"876.00\"",
        " height=\"958\" ",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_says(text_string(&svg), lines[i]);
    assert_int_equal(count_of(text_string(&svg), "<circle"), 3);
    assert_int_equal(count_of(text_string(&svg), " stroke-opacity=\"0.55\""), 2);
    drawing = plots_curves("", experiments, PLOT_LOSS, &error);
    drawing_svg(drawing, "", &loss);
    assert_says(text_string(&loss), " height=\"602\" ");
    drawing_free(drawing);
    text_free(&svg);
    text_free(&loss);
    cJSON_Delete(experiments);
}

static void a_best_loss_of_zero_is_on_the_axis(void **state) {
    (void)state;
    char *far = drawn_losses("[1, 0.05, 0.06]"), *near = drawn_losses("[1, 0.06, 0.07]"),
         *zero = drawn_losses("[1, 0.01, 0]"), *between = drawn_losses("[1, 0, 0.01]");
    assert_says(far, ">cross-entropy (nats, logarithmic)</text>");
    assert_says(near, ">cross-entropy (nats)</text>");
    assert_says(zero, ">cross-entropy (nats)</text>");
    assert_says(zero, ">0.0</text>");
    assert_int_equal(count_of(zero, "<circle"), 1);
    assert_says(between, ">cross-entropy (nats, logarithmic)</text>");
    char *small = drawn_losses("[0.04, 0.01]");
    assert_says(small, ">cross-entropy (nats)</text>");
    free(small);
    free(far);
    free(near);
    free(zero);
    free(between);
}

static void a_loss_that_was_never_finite_is_no_value_that_can_be_drawn(void **state) {
    (void)state;
    char *svg = drawn_losses("[null, null]");
    assert_says(svg, ">no value that can be drawn</text>");
    free(svg);
}

static void without_epochs_it_is_said_whether_there_may_be_some(void **state) {
    (void)state;
    struct error queued = {0}, failed = {0};
    cJSON *first = with_losses("queued", "[]"), *second = with_losses("failed", "[]");
    assert_null(plots_curves("", first, PLOT_LOSS, &queued));
    assert_null(plots_curves("", second, PLOT_LOSS, &failed));
    assert_string_equal(queued.message,
                        "no epochs yet: there is nothing to plot; assay watch shows "
                        "how far they are");
    assert_string_equal(failed.message,
                        "no epochs: there is nothing to plot, and none of these goes on");
    cJSON *begun = with_losses("running", "[1]");
    cJSON_AddItemToArray(begun, cJSON_DetachItemFromArray(second, 0));
    struct drawing *drawing = plots_curves("", begun, PLOT_LOSS, &queued);
    struct text svg = {0};
    assert_non_null(drawing);
    drawing_svg(drawing, "", &svg);
    assert_says(text_string(&svg), ">1 x (no epochs)</text>");
    text_free(&svg);
    drawing_free(drawing);
    cJSON_Delete(begun);
    cJSON_Delete(first);
    cJSON_Delete(second);
}

/* Experiment 1 is wrong on 3 (label 0), 23 (label 1) and 43 (label 0) of 40 and 20 pictures, with
 * two probabilities: the area is one half plus Youden's J / 2 = (19/20 + 38/40) / 2 = 0.95. */
static void plot_roc_has_the_area_of_the_scores(void **state) {
    char *svg = plotted(state, "1", "2", "roc");
    assert_says(svg, ">1 flip,seed=0, last: area 0.9500</text>");
    /* from 0 at 358 to 1 at 920, and from 0 at 720 to 1 at 156: 2 of 40 at 386.1, 19 of 20 at 184.2
     */
    assert_says(svg, "stroke-width=\"2.2\" points=\"358.00,720.00 386.10,184.20 920.00,156.00\"/>");
    assert_says(svg, "stroke-dasharray=\"8 4\" points=\"358.00,720.00 920.00,156.00\"/>");
    double end, below = height_of(svg, ">fakes called real (share)<", &end);
    assert_true(below + 30 < end);
    assert_null(strstr(svg, "<circle"));
    char *words = words_of(svg);
    assert_says(words, "||0.0|0.2|0.4|0.6|0.8|1.0|0.0|0.1|0.2|0.3|0.4|0.5|0.6|0.7|0.8|0.9|1.0|");
    free(words);
    free(svg);
}

static void plot_confusion_counts_what_each_class_was_called(void **state) {
    char *svg = plotted(state, "1", "2", "confusion");
    char *words = words_of(svg);
    assert_says(words, "|last (epoch 3), accuracy 0.8507|" /* 245 of 288 */
                       "called fake|called real|fake_deepfake|87|96.67 %|3|3.33 %|"
                       "fake_face2face|74|81.32 %|17|18.68 %|real|23|21.50 %|84|78.50 %|");
    /* blue where it is right, and the stronger the more: 0.06 + 0.44 * 87 / 90, and so on */
    static const char *const boxes[] = {
        ("\"p-0\" x=\"164.00\" y=\"168.00\" width=\"111.00\" height=\"51.00\" fill=\"#0072b2\" "
         "fill-opacity=\"0.485333\""),
        ("\"p-1\" x=\"278.00\" y=\"168.00\" width=\"111.00\" height=\"51.00\" fill=\"#d55e00\" "
         "fill-opacity=\"0.0746667\""),
        ("\"p-1\" x=\"164.00\" y=\"276.00\" width=\"111.00\" height=\"51.00\" fill=\"#d55e00\" "
         "fill-opacity=\"0.154579\""),
        ("\"p-0\" x=\"278.00\" y=\"276.00\" width=\"111.00\" height=\"51.00\" fill=\"#0072b2\" "
         "fill-opacity=\"0.405421\""),
        ("x=\"221.00\" y=\"162.00\" font-size=\"12\" fill=\"#60646e\" "
         "text-anchor=\"middle\">called "
         "fake<"),
        ("x=\"335.00\" y=\"162.00\" font-size=\"12\" fill=\"#60646e\" "
         "text-anchor=\"middle\">called "
         "real<"),
        "x=\"154.00\" y=\"198.00\"",
        "x=\"221.00\" y=\"191.00\"",
        "x=\"335.00\" y=\"209.00\"",
        "x=\"36.00\" y=\"138.00\" font-size=\"12\" fill=\"#60646e\">last",
    };
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
        assert_says(svg, boxes[i]);
    free(words);
    free(svg);
}

/* The first experiment keeps its last checkpoint. */
static void plot_shows_the_checkpoint_and_the_split_that_are_asked_for(void **state) {
    static const struct {
        char *checkpoint, *split;
        const char *says;
    } cases[] = {
        {"best", "valid", ">best (epoch 2), accuracy 0.8542<"},
        {"best", "test", ">best (epoch 2), accuracy 0.8333<"},
        {"last", "valid", ">last (epoch 3), accuracy 0.8854<"},
        {NULL, "valid", ">last (epoch 3), accuracy 0.8854<"},
    };
    char *path = temporary_path(state, "p.svg"), *svg, expected[600];
    size_t length;
    snprintf(expected, sizeof expected, "%s\n", path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_run(RUN(command_plot, "plot", "1", "--kind", "confusion", "--out", path, "--split",
                       cases[i].split, cases[i].checkpoint != NULL ? "--checkpoint" : NULL,
                       cases[i].checkpoint),
                   0, expected, "");
        assert_true(file_read(path, 1 << 23, &svg, &length, NULL));
        assert_says(svg, cases[i].says);
        free(svg);
    }
    assert_run(RUN(command_plot, "plot", "2", "--kind", "roc", "--out", path, "--split", "valid",
                   "--checkpoint", "last"),
               0, expected, "");
    assert_true(file_read(path, 1 << 23, &svg, &length, NULL));
    assert_says(svg, ">ROC curve on the valid split; dashed: what guessing gives<");
    /* 16 of 20 against 8 of 40: (1 + 0.8 - 0.2) / 2 */
    assert_says(svg, ">2 flip,seed=1, last: area 0.8000<");
    free(svg);
    assert_run(RUN(command_plot, "plot", "1", "--out", path), 0, expected, "");
    assert_true(file_read(path, 1 << 23, &svg, &length, NULL));
    assert_says(svg, "<title>1 demo/flip,seed=0: sheet</title>");
    free(svg);
    assert_run(RUN(command_plot, "plot", "1", "--out", path, "--split", "train"), 2, "",
               "assay: --split is valid or test, not \"train\"; see assay plot --help\n");
    assert_run(RUN(command_plot, "plot", "1", "--out", path, "--checkpoint", "first"), 2, "",
               "assay: --checkpoint is best or last, not \"first\"; see assay plot --help\n");
    free(path);
}

/* Four times the first experiment, the last of them without classes. */
static void confusions_without_room_beside_others_stand_under_them(void **state) {
    (void)state;
    const struct plot_source source = {.checkpoint = -1, .split = SPLIT_TEST};
    struct error error = {0};
    struct text svg = {0};
    cJSON *answer = details(), *experiments = cJSON_CreateArray(), *evaluation;
    for (int i = 0; i < 4; i++) {
        cJSON *one = cJSON_Duplicate(cJSON_GetObjectItem(answer, "experiments")->child, true);
        cJSON_SetNumberValue(cJSON_GetObjectItem(one, "id"), 11 + i);
        cJSON_AddItemToArray(experiments, one);
    }
    cJSON_ArrayForEach(evaluation, cJSON_GetObjectItem(experiments->child->prev, "evaluations")) {
        cJSON_DeleteItemFromObject(evaluation, "classes");
    }
    struct drawing *drawing = plots_confusion("", experiments, &source, &error);
    assert_non_null(drawing);
    drawing_svg(drawing, "", &svg);
    char *words = words_of(text_string(&svg));
    const char *fourth = strstr(words, "|14 ");
    double end, last = height_of(text_string(&svg), ">78.50 %<", &end),
                below = height_of(text_string(&svg), ">14 ", &end);
    assert_true(last < below && below < end);
    /* 224 high with three classes; 382 from one to the next and 34 to the next below */
    assert_says(text_string(&svg), "x=\"800.00\" y=\"120.00\"");
    assert_says(text_string(&svg), "x=\"36.00\" y=\"378.00\"");
    assert_says(text_string(&svg), " height=\"570\" ");
    assert_non_null(fourth);
    fourth = strstr(fourth, "called real|");
    assert_non_null(fourth);
    /* TP 84, TN 161, FP 20, FN 23 */
    assert_string_equal(fourth,
                        "called real|fake|161|88.95 %|20|11.05 %|real|23|21.50 %|84|78.50 %|");
    free(words);
    text_free(&svg);
    drawing_free(drawing);
    cJSON_Delete(experiments);
    cJSON_Delete(answer);
}

static void assert_utf8(const char *text) {
    unsigned long code;
    for (size_t length; *text != '\0'; text += length)
        if ((length = utf8_decode(text, &code)) == 0)
            fail_msg("no UTF-8: %.40s", text);
}

static void plot_keeps_the_end_of_a_name_of_any_length(void **state) {
    static const char *const kinds[] = {"sheet", "loss", "roc", "confusion"};
    char *path = temporary_path(state, "p.png"), expected[600];
    snprintf(expected, sizeof expected, "%s\n", path);
    long_names = true;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char *kind = (char *)(uintptr_t)kinds[i];
        assert_run(RUN(command_plot, "plot", "1", "2", "--kind", kind, "--out", path), 0, expected,
                   "");
        char *svg = plotted(state, "1", "1", kind);
        assert_utf8(svg);
        free(svg);
    }
    char *svg = plotted(state, "1", "2", "confusion");
    assert_says(svg, "demo/flip,seed=0</text>");
    free(svg);
    long_names = false;
    free(path);
}

static void plot_confusion_has_a_line_for_each_of_a_thousand_classes(void **state) {
    char *path = temporary_path(state, "p.png"), expected[600];
    struct image image;
    snprintf(expected, sizeof expected, "%s\n", path);
    many_classes = 1000;
    assert_run(RUN(command_plot, "plot", "1", "--kind", "confusion", "--out", path), 0, expected,
               "");
    assert_true(picture_read(path, &image, NULL));
    assert_in_range(image.height, 1000 * 16, 32767);
    image_free(&image);
    char *svg = plotted(state, "1", "1", "confusion");
    many_classes = 0;
    assert_says(svg, ">class_0000</text>");
    assert_says(svg, ">class_0999</text>");
    assert_says(svg, ">15 · 37.50 %</text>"); /* 999 % 41 = 15 are wrong */
    assert_says(svg, "x=\"164.00\" y=\"168.00\" width=\"111.00\" height=\"19.00\"");
    assert_says(svg, "x=\"221.00\" y=\"182.00\"");
    assert_says(svg, "x=\"154.00\" y=\"202.00\"");
    free(svg);
    free(path);
}

static void a_class_without_pictures_has_no_share(void **state) {
    many_classes = 2;
    empty_class = true;
    char *svg = plotted(state, "1", "1", "confusion");
    many_classes = 0;
    empty_class = false;
    assert_says(svg, ">n/a</text>");
    assert_says(svg, ">97.50 %</text>"); /* 39 of the other's 40 */
    assert_null(strstr(svg, ">0.00 %</text>"));
    free(svg);
}

static void a_png_that_would_be_too_large_is_refused_and_an_svg_not(void **state) {
    char *png = temporary_path(state, "p.png"), *svg = temporary_path(state, "p.svg");
    struct drawing *drawing = drawing_new(1200, 40000);
    struct error error = {0};
    assert_false(drawing_write(drawing, png, "tall", &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message,
                        "1200 x 40000 pixels are too many for a PNG (32767 a side); let the file's "
                        "name end in .svg, or name fewer experiments");
    assert_true(drawing_write(drawing, svg, "tall", &error));
    drawing_free(drawing);
    free(png);
    free(svg);
}

static void plot_effects_names_values_and_how_many_experiments_have_them(void **state) {
    char *svg = plotted(state, "1", "2", "effects");
    assert_says(svg, ">train.seed</text>");
    assert_says(svg, ">n = 1</text>");
    assert_null(strstr(svg, "p-0 p-line")); /* one alone deviates from nothing */
    assert_null(strstr(svg, "p-1 p-line"));
    assert_null(strstr(svg, ">-"));
    free(svg);
}

/* Seed 0 has 0.5 and 0.7, seed 1 twice 0.8: between 0.4 at 386 and 0.9 at 1144 stand 0.6 at 689.2,
 * 0.6 ± statistics.stdev([0.5, 0.7]) at 474.81 and 903.59, and 0.8 at 992.4. On test seed 0 has 0.6
 * and 0.7: 0.65 at 765, and statistics.stdev([0.6, 0.7]) around it 657.80 and 872.20. */
static void effects_stand_where_their_means_and_deviations_are(void **state) {
    (void)state;
    static const double accuracies[] = {0.5, 0.8, 0.7, 0.8};
    struct error error = {0};
    struct text svg = {0};
    cJSON *experiments = cJSON_CreateArray();
    for (int i = 0; i < 4; i++) {
        char text[500];
        snprintf(
            text, sizeof text,
            "{\"id\": %d, \"name\": \"e/%d\", \"group\": \"e\", \"state\": \"done\", \"config\":"
            " {\"train\": {\"seed\": %d}}, \"variant\": {\"train.seed\": \"%d\", \"x\": \"%d\"},"
            " \"evaluations\": [{\"checkpoint\": \"best\", \"split\": \"valid\", \"epoch\": 1,"
            " \"accuracy\": %g, \"loss\": 1}, {\"checkpoint\": \"best\", \"split\": \"test\","
            " \"epoch\": 1, \"accuracy\": %g, \"loss\": 1}]}",
            i, i, i % 2, i % 2, i / 2, accuracies[i], i == 0 ? 0.6 : accuracies[i]);
        cJSON_AddItemToArray(experiments, parsed(text));
    }
    struct drawing *drawing = plots_effects("", experiments, &error);
    assert_non_null(drawing);
    drawing_svg(drawing, "", &svg);
    assert_says(text_string(&svg), " points=\"474.81,170.00 903.59,170.00\"/>\n"
                                   "<circle class=\"p-0\" cx=\"689.20\" cy=\"170.00\" ");
    assert_says(text_string(&svg), "<circle class=\"p-0\" cx=\"992.40\" cy=\"204.00\" ");
    static const char *const marks[] = {
        (" points=\"657.80,184.00 872.20,184.00\"/>\n"
         "<circle class=\"p-1 p-hollow\" cx=\"765.00\" cy=\"184.00\" "),
        "<circle class=\"p-1 p-hollow\" cx=\"992.40\" cy=\"218.00\" ",
        "<circle class=\"p-0\" cx=\"42.00\" cy=\"98.00\" ", /* of the legend */
        " points=\"386.00,136.00 386.00,352.00\"/>",
        "x=\"386.00\" y=\"370.00\"",
        "x=\"765.00\" y=\"390.00\"",
        "x=\"36.00\" y=\"162.00\"",
        "x=\"300.00\" y=\"181.00\"",
        "x=\"358.00\" y=\"181.00\" font-size=\"12\" fill=\"#60646e\" text-anchor=\"end\">n = 2<",
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        assert_says(text_string(&svg), marks[i]);
    /* two means of each of four values, and the legend's */
    assert_int_equal(count_of(text_string(&svg), "<circle class=\"p-0\""), 5);
    assert_int_equal(count_of(text_string(&svg), "<circle class=\"p-1 p-hollow\""), 5);
    char *words = words_of(text_string(&svg));
    assert_says(words, "|0.4|0.5|0.6|0.7|0.8|0.9|accuracy (share of pictures)|train.seed|0|n = 2|");
    double end, last = height_of(text_string(&svg), ">x<", &end),
                below = height_of(text_string(&svg), ">accuracy (share of pictures)<", &end);
    assert_true(last < below && below < end);
    free(words);
    text_free(&svg);
    drawing_free(drawing);
    cJSON_Delete(experiments);
}

/* An experiment whose best checkpoint was right about all pictures of either split. */
static cJSON *evaluated(int id) {
    cJSON *experiment =
        parsed("{\"state\": \"done\", \"evaluations\": ["
               "{\"checkpoint\": \"best\", \"split\": \"valid\", \"accuracy\": 1},"
               "{\"checkpoint\": \"best\", \"split\": \"test\", \"accuracy\": 1}]}");
    cJSON_AddNumberToObject(experiment, "id", id);
    return experiment;
}

static void what_has_nothing_to_draw_does_not_count_as_too_many(void **state) {
    const struct plot_source source = {.checkpoint = -1, .split = SPLIT_TEST};
    struct error error = {0};
    cJSON *experiments = cJSON_CreateArray();
    (void)state;
    cJSON_AddItemToArray(experiments, parsed("{\"id\": 30, \"state\": \"failed\"}"));
    cJSON_AddItemToArray(experiments, evaluated(31));
    cJSON_DeleteItemFromArray(cJSON_GetObjectItem(experiments->child->next, "evaluations"), 1);
    assert_null(plots_confusion("none", experiments, &source, &error));
    assert_string_equal(error.message, "nothing is evaluated on test: that comes at the end of an "
                                       "experiment, which none of these came to");
    for (int i = 0; i < 28; i++)
        cJSON_AddItemToArray(experiments, evaluated(i + 1));
    error = (struct error){0};
    struct drawing *drawing = plots_confusion("many", experiments, &source, &error);
    if (drawing == NULL)
        fail_msg("%s", error.message);
    drawing_free(drawing);
    cJSON_Delete(experiments);
}

static void more_than_a_picture_can_tell_apart_are_refused(void **state) {
    const struct plot_source source = {.checkpoint = -1, .split = SPLIT_TEST};
    static const char why[] =
        "29 experiments are more than one picture can tell apart (at most 28); name fewer";
    struct error lines = {0}, blocks = {0};
    cJSON *experiments = cJSON_CreateArray();
    (void)state;
    for (int i = 0; i < 29; i++)
        cJSON_AddItemToArray(experiments, evaluated(i + 1));
    assert_null(plots_curves("many", experiments, PLOT_LOSS, &lines));
    assert_null(plots_confusion("many", experiments, &source, &blocks));
    assert_string_equal(lines.message, why);
    assert_string_equal(blocks.message, why);
    cJSON_Delete(experiments);
}

static void plot_says_what_is_wrong_in_one_line(void **state) {
    char *path = temporary_path(state, "no/p.png"), expected[600];
    assert_run(RUN(command_plot, "plot", "1", "--out", "p.pdf"), 2, "",
               "assay: --out ends in .png or .svg, unlike \"p.pdf\"; see assay plot --help\n");
    assert_run(RUN(command_plot, "plot", "1", "--out", "p.png", "--kind", "los"), 2, "",
               "assay: there is no kind \"los\"; did you mean \"loss\"?; see assay plot --help\n");
    assert_run(RUN(command_plot, "plot", "1", "--out", "p.png", "--kind", "everything"), 2, "",
               "assay: there is no kind \"everything\" of plot; there are sheet, loss, accuracy, "
               "learning_rate, roc, confusion, effects; see assay plot --help\n");
    assert_run(RUN(command_plot, "plot", "4", "--out", path, "--kind", "confusion"), 2, "",
               "assay: nothing is evaluated on test yet: that comes at the end of an experiment\n");
    assert_run(
        RUN(command_plot, "plot", "4", "--out", path, "--kind", "roc"), 2, "",
        "assay: there are no scores of test pictures of both labels: they come at the end of "
        "an experiment whose test split has both; the other one is --split valid\n");
    assert_run(RUN(command_plot, "plot", "3", "--out", path, "--kind", "confusion"), 2, "",
               "assay: nothing is evaluated on test: that comes at the end of an experiment, which "
               "none of these came to\n");
    snprintf(expected, sizeof expected, "assay: cannot write %s.tmp: No such file or directory\n",
             path);
    assert_run(RUN(command_plot, "plot", "1", "--out", path), 1, "", expected);
    free(path);
}

/* Every element that begins ends. */
static void assert_whole(const char *page) {
    static const char *const names[] = {"html", "body",   "table", "thead",     "tbody", "tr",
                                        "th",   "td",     "div",   "p",         "h2",    "h3",
                                        "svg",  "figure", "title", "figcaption"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t begun = 0, ended = 0, length = strlen(names[i]);
        for (const char *at = page; (at = strchr(at, '<')) != NULL; at++) {
            ended +=
                at[1] == '/' && strncmp(at + 2, names[i], length) == 0 && at[2 + length] == '>';
            begun += strncmp(at + 1, names[i], length) == 0 &&
                     (at[1 + length] == '>' || at[1 + length] == ' ');
        }
        if (begun != ended)
            fail_msg("<%s> %zu times, </%s> %zu", names[i], begun, names[i], ended);
    }
}

/* The page that `assay report WHAT` writes, which says nothing but its name; free it. */
static char *page_of(void **state, char *what) {
    char *path = temporary_path(state, "r.html"), *page, expected[600];
    size_t length;
    snprintf(expected, sizeof expected, "%s\n", path);
    assert_run(RUN(command_report, "report", what, "--out", path), 0, expected, "");
    assert_true(file_read(path, 1 << 22, &page, &length, NULL));
    free(path);
    return page;
}

static void report_is_one_page_with_verdict_tables_drawings_and_mistakes(void **state) {
    char *page = page_of(state, "demo"), expected[100];
    static const char begin[] =
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">";
    assert_memory_equal(page, begin, strlen(begin));
    assert_says(page, "<title>demo</title>");
    assert_says(page, "<h1>demo</h1>");
    assert_says(page, "aria-label=\"Experiments without a checkpoint to compare\">\n<table>\n"
                      "<caption>Experiments without a checkpoint to compare</caption>\n<thead><tr>"
                      "<th scope=\"col\">id</th><th scope=\"col\">experiment</th>"
                      "<th scope=\"col\">why</th></tr></thead>");
    assert_says(page,
                "<p class=\"verdict\">Keep the best checkpoint of 2 demo/flip,seed=1 (epoch 2)");
    assert_says(page, "4 experiments, 2 done; written on ");
    assert_says(page, "<tbody>\n"
                      "<tr><td>2</td><td>flip,seed=1</td><td>best</td><td>2</td><td>0.9375</td>"
                      "<td>0.2000</td><td>0.8993</td><td>0.2500</td></tr>\n"
                      "<tr><td>1</td><td>flip,seed=0</td><td>last</td><td>3</td><td>0.8854</td>"
                      "<td>0.3500</td><td>0.8507</td><td>0.3400</td></tr>\n"
                      "</tbody>");
    assert_says(page,
                "<tbody>\n<tr><td>3</td><td>none,seed=0</td><td>failed after 1 of 3 epochs, not "
                "evaluated: cannot read /data/faces/real/7.png");
    assert_says(page, "<td>train.flip</td><td>flip</td><td>1 2</td></tr>\n"
                      "<tr><td></td><td>none</td><td>3 4</td></tr>");
    assert_says(page, "<title>Loss, accuracy and learning rate by epoch</title>");
    /* wrong about 0.png, 20.png and 40.png, which are not here */
    assert_says(page, "3 of these 3 pictures cannot be read on this machine, in /data/faces:");
    assert_says(page, "<td>20.png</td><td>real</td><td>fake</td><td>0.2500</td>");
    assert_says(page, "<td>0.png</td><td>fake</td><td>real</td><td>0.7500</td>");
    assert_says(page, "<h3>flip,seed=0, flip,seed=1, none,seed=0, none,seed=1</h3>\n");
    assert_says(page, "<p class=\"note\">Not drawn: this version does not understand its config");
    static const char *const headings[] = {"Which to keep", "What is not ranked", "What differs",
                                           "Tags and notes", "The most confident mistakes"};
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++) {
        snprintf(expected, sizeof expected, "<h2>%s</h2>", headings[i]);
        assert_says(page, expected);
    }
    assert_whole(page);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "src=\"http"));
    free(page);
    page = page_of(state, "4");
    assert_says(page, "<h1>4 demo/none,seed=1</h1>");
    assert_says(page, "Nothing is evaluated yet: there is no checkpoint to keep.");
    assert_null(strstr(page, "Which to keep"));
    assert_null(strstr(page, "What differs"));
    assert_null(strstr(page, "Tags and notes"));
    assert_null(strstr(page, "Who has which tag"));
    assert_says(page, "<h2>ROC curves</h2>\n<p class=\"note\">there are no scores");
    assert_null(strstr(page, "mistakes"));
    free(page);
    assert_run(RUN(command_report, "report", "demo"), 2, "",
               "assay: report needs --out F.html; see assay report --help\n");
    assert_run(
        RUN(command_report, "report", "demo", "--out", "demo.png"), 2, "",
        "assay: a report is HTML, unlike \"demo.png\"; pictures: assay plot; see assay report "
        "--help\n");
}

/* Scores are asked for to compare its two checkpoints, to draw, and to find mistakes. */
static void a_report_that_cannot_be_made_is_not_written(void **state) {
    char *path = temporary_path(state, "none.html");
    for (int asked = 0; asked < 4; asked++) {
        readings = asked;
        struct run run = RUN(command_report, "report", "2", "--out", path);
        readings = -1;
        assert_run(run, 1, "", "assay: the disk fails\n");
        assert_int_not_equal(access(path, F_OK), 0);
    }
    free(path);
}

static void what_takes_long_is_said_once(void **state) {
    struct report report = {.doing = "one\n", .began_ms = clock_steady_ms()};
    char *said;
    size_t length;
    FILE *err = stderr;
    (void)state;
    stderr = open_memstream(&said, &length);
    report_tell(&report);
    report.doing = "two\n";
    report.began_ms -= 3000;
    report_tell(&report);
    report_tell(&report);
    report.doing = "three\n";
    report_tell(&report);
    fclose(stderr);
    stderr = err;
    assert_string_equal(said, "two\nthree\n");
    free(said);
}

/* The page about four experiments and 30 like one of them; free it. */
static char *reported_copies(void **state, int number) {
    copied = number;
    char *page = page_of(state, "demo");
    copied = 0;
    return page;
}

/* 28: with a rank come 2, 1 and 101 to 126, or else 2 and 1 and then 3, 4 and 101 to 124. */
static void a_report_of_too_many_draws_the_first_of_the_ranking(void **state) {
    char *page = reported_copies(state, 1);
    assert_says(page, ">Drawn are 28 of the 34 experiments, the first of the ranking, here and "
                      "below; assay plot draws the others.</p>");
    assert_int_equal(count_of(page, ">2 flip,seed=1"), 3); /* curves, ROC, classes */
    assert_int_equal(count_of(page, ">126 flip,seed=0"), 3);
    assert_int_equal(count_of(page, ">127 flip,seed=0"), 0);
    assert_int_equal(count_of(page, ">3 none,seed=0"), 0);
    free(page);
    page = reported_copies(state, 4);
    assert_int_equal(count_of(page, ">1 flip,seed=0"), 3);
    assert_int_equal(count_of(page, ">3 none,seed=0"), 1);
    assert_int_equal(count_of(page, ">124 none,seed=1"), 1);
    assert_int_equal(count_of(page, ">125 none,seed=1"), 0);
    free(page);
}

static void a_report_has_each_tag_and_note_once_with_those_that_have_it(void **state) {
    char *path = temporary_path(state, "r.html"), expected[600];
    size_t length;
    remarked = true;
    char *page = page_of(state, "demo");
    assert_says(page, "<th scope=\"col\">tag</th><th scope=\"col\">experiments</th></tr></thead>\n"
                      "<tbody>\n<tr><td>baseline</td><td>1, 2</td></tr>\n"
                      "<tr><td>paper</td><td>1, 2</td></tr>\n</tbody>");
    assert_int_equal(count_of(page, "<blockquote>for the paper</blockquote>"), 2);
    assert_int_equal(count_of(page, "ann@node, on 1, 2<"), 1);
    assert_int_equal(count_of(page, "bob@node, on 2<"), 1);
    assert_int_equal(count_of(page, "<blockquote>flips help:<br>"), 1);
    assert_int_equal(count_of(page, "<blockquote>"), 3);
    free(page);
    snprintf(expected, sizeof expected, "%s\n", path);
    assert_run(RUN(command_report, "report", "1", "2", "--out", path), 0, expected, "");
    remarked = false;
    assert_true(file_read(path, 1 << 22, &page, &length, NULL));
    assert_says(page, "<td>paper</td><td>all</td>");
    assert_null(strstr(page, "What is not ranked"));
    assert_int_equal(count_of(page, "ann@node, on all<"), 1);
    free(page);
    free(path);
}

/* Of 60 pictures 20 are of label 1, and one half is none of it. */
static void a_report_has_the_mistakes_of_a_checkpoint_that_cannot_decide(void **state) {
    undecided = true;
    char *page = page_of(state, "2");
    undecided = false;
    assert_says(page, "12 of these 12 pictures cannot be read on this machine");
    assert_says(page, "<td>real</td><td>fake</td><td>0.5000</td>");
    assert_null(strstr(page, "<td>fake</td><td>real</td><td>0.5000</td>"));
    free(page);
}

/* Writes the pictures that the second experiment's best checkpoint is wrong about. */
static void write_mistakes(const char *folder) {
    static const char *const pictures[] = {"0.png", "20.png", "40.png"};
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        char *picture = NULL;
        struct image image = sample_picture(16, 16);
        assert_true(asprintf(&picture, "%s/%s", folder, pictures[i]) > 0);
        assert_true(png_write(picture, &image, NULL));
        image_free(&image);
        free(picture);
    }
}

/* Also such as no terminal shows: the soft hyphen in "fa-ces". */
static void a_report_finds_pictures_in_a_folder_of_any_name(void **state) {
    char *root = temporary_path(state, "fa\xc2\xad"
                                       "ces");
    assert_int_equal(mkdir(root, 0700), 0);
    write_mistakes(root);
    moved_root = root;
    char *page = page_of(state, "2");
    moved_root = NULL;
    assert_says(page, "alt=\"40.png, of class fake, taken for real\"");
    assert_says(page, "taken for real: real with probability 0.7500<");
    assert_says(page, ">Where it looked is not shown: ");
    assert_null(strstr(page, "cannot be read"));
    assert_whole(page);
    free(page);
    free(root);
}

static void a_report_names_the_pictures_that_are_not_here_beside_those_that_are(void **state) {
    char *root = temporary_path(state, "faces"), *away = temporary_path(state, "faces/20.png");
    char *page, expected[600];
    assert_int_equal(mkdir(root, 0700), 0);
    write_mistakes(root);
    assert_int_equal(remove(away), 0);
    moved_root = root;
    page = page_of(state, "2");
    moved_root = NULL;
    snprintf(expected, sizeof expected,
             ">1 of these 3 pictures cannot be read on this machine, in %s:<", root);
    assert_says(page, expected);
    assert_int_equal(count_of(page, "<td>20.png</td>"), 1);
    assert_int_equal(count_of(page, "<img"), 2);
    assert_says(page, "alt=\"0.png, of class fake, taken for real\"");
    assert_says(page, "alt=\"40.png, of class fake, taken for real\"");
    assert_null(strstr(page, "<td>0.png</td>"));
    assert_null(strstr(page, "Beside each picture")); /* there are no maps */
    assert_null(strstr(page, "It is right"));
    free(page);
    flawless = true;
    page = page_of(state, "2");
    flawless = false;
    assert_says(page, "<p>It is right about every one.</p>");
    assert_null(strstr(page, "cannot be read"));
    free(page);
    unscored = true;
    page = page_of(state, "2");
    unscored = false;
    assert_null(strstr(page, "mistakes"));
    assert_null(strstr(page, "It is right"));
    free(page);
    free(away);
    free(root);
}

/* How wrong it was: 0.85 about 40.png, 0.7 about 20.png and 0.55 about 0.png. */
static void the_surest_mistake_comes_first(void **state) {
    char *root = temporary_path(state, "faces"), *away = temporary_path(state, "faces/40.png");
    graded = true;
    char *page = page_of(state, "2");
    assert_says(page, "<p>Test pictures that the best checkpoint of experiment 2 is wrong about, "
                      "the surest first.</p>");
    assert_says(page, "<caption>Mistakes whose pictures are not here</caption>\n<thead><tr>"
                      "<th scope=\"col\">picture</th><th scope=\"col\">class</th>"
                      "<th scope=\"col\">taken for</th><th scope=\"col\">probability of real</th>"
                      "</tr></thead>\n<tbody>\n"
                      "<tr><td>40.png</td><td>fake</td><td>real</td><td>0.8500</td></tr>\n"
                      "<tr><td>20.png</td><td>real</td><td>fake</td><td>0.3000</td></tr>\n"
                      "<tr><td>0.png</td><td>fake</td><td>real</td><td>0.5500</td></tr>\n"
                      "</tbody>\n");
    free(page);
    assert_int_equal(mkdir(root, 0700), 0);
    write_mistakes(root);
    moved_root = root;
    page = page_of(state, "2");
    const char *first = strstr(page, "alt=\"40.png"), *second = strstr(page, "alt=\"20.png"),
               *third = strstr(page, "alt=\"0.png");
    assert_true(first != NULL && first < second && second < third);
    assert_says(page, "</div><figcaption><b>20.png</b><br>"
                      "taken for fake: real with probability 0.3000</figcaption></figure>\n");
    free(page);
    assert_int_equal(remove(away), 0);
    away[strlen(away) - strlen("40.png")] = '2';
    assert_int_equal(remove(away), 0);
    page = page_of(state, "2");
    moved_root = NULL;
    graded = false;
    assert_int_equal(count_of(page, "<img"), 1);
    assert_says(page, "alt=\"0.png");
    assert_says(page, ">Where it looked is not shown: ");
    free(page);
    free(away);
    free(root);
}

/* What the report says of the augmentations of these experiments; free it. */
static char *reported_contacts(const cJSON *experiments) {
    struct error error = {0};
    struct report report = {.experiments = experiments, .began_ms = clock_steady_ms()};
    assert_true(report_add_contacts(&report, &error));
    assert_whole(text_string(&report.page));
    return text_take(&report.page);
}

/* 0 to 5 have one pipeline; 7 to 11 have one, too, of other pictures. With the eleventh there are
 * six, and each after it is one too many. */
static void a_report_has_a_sheet_for_each_pipeline_that_differs_up_to_six(void **state) {
    (void)state;
    static const char *const others[] = {
        "\"variant\": {\"augmentations\": \"crop\"}, \"config\": {\"augmentations\": 1}",
        "\"variant\": {\"augmentations\": \"same\"}, \"config\": {\"augmentations\": 2}",
        ("\"variant\": {\"augmentations\": \"same\"},"
         " \"config\": {\"augmentations\": 2, \"data\": {\"root\": \"a\"}}"),
        "\"config\": {\"augmentations\": 2, \"data\": {\"classes\": 1}}",
        "\"config\": {\"augmentations\": 2, \"data\": {\"files\": 1}}",
        "\"config\": {\"augmentations\": 2, \"data\": {\"split\": 1}}",
        "\"config\": {\"augmentations\": 3}",
    };
    static const char *const named[] = {"0, 1, 2, 3 and 2 more", "crop", "7", "8", "9", "10"};
    static const char *const left[] = {"", "1 more pipeline is", "2 more pipelines are"};
    cJSON *experiments = cJSON_CreateArray();
    for (int i = 0; i < 13; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"name\": \"g/%d\", \"group\": \"g\", %s}", i,
                 i < 6 ? "\"config\": {\"augmentations\": 0}" : others[i - 6]);
        cJSON_AddItemToArray(experiments, parsed(text));
        if (i < 10)
            continue;
        char *page = reported_contacts(experiments);
        assert_int_equal(count_of(page, "<h3>"), 6);
        assert_int_equal(count_of(page, ">Not drawn: "), 6);
        for (size_t j = 0; j < 6; j++) {
            snprintf(text, sizeof text, "<h3>%s</h3>", named[j]);
            assert_says(page, text);
        }
        assert_int_equal(count_of(page, "not drawn here"), i > 10);
        snprintf(text, sizeof text, ">%s not drawn here; assay preview draws each.<", left[i - 10]);
        if (i > 10)
            assert_says(page, text);
        free(page);
    }
    cJSON_Delete(experiments);
}

/* Five pictures in each of fake/ and real/; for cJSON_Delete, an experiment on them. */
static cJSON *experiment_on_pictures(void **state) {
    for (int i = 0; i < 10; i++) {
        struct text name = {0};
        struct image image = sample_picture(16, 16);
        text_format(&name, "%s/%s", (char *)*state, i < 5 ? "fake" : "real");
        mkdir(text_string(&name), 0700);
        text_format(&name, "/%c.png", "abcde"[i % 5]);
        assert_true(png_write(text_string(&name), &image, NULL));
        image_free(&image);
        text_free(&name);
    }
    cJSON *experiment = parsed(
        "{\"id\": 1, \"name\": \"a\", \"variant\": {\"augmentations\": \"<all>\"}, \"config\":"
        " {\"name\": \"a\", \"data\": {\"root\": \"\", \"classes\": ["
        "{\"name\": \"fakes\", \"dir\": \"fake\", \"label\": 0},"
        " {\"name\": \"R&D\", \"dir\": \"real\", \"label\": 1}]}, \"augmentations\": ["
        "{\"op\": \"resize\", \"size\": 12}, {\"op\": \"random_crop\", \"size\": 8},"
        " {\"op\": \"random_horizontal_flip\", \"p\": 0.5}, {\"op\": \"normalize\"}]}}");
    cJSON_ReplaceItemInObject((cJSON *)(uintptr_t)field_at(experiment, "config.data"), "root",
                              cJSON_CreateString(*state));
    return experiment;
}

/* The alternatives of a page's pictures, a bar behind each; free them. */
static char *alternatives_of(const char *page) {
    struct text words = {0};
    for (const char *at = page; (at = strstr(at, " alt=\"")) != NULL;) {
        at += strlen(" alt=\"");
        text_add(&words, at, strcspn(at, "\""));
        text_add(&words, "|", 1);
    }
    return text_take(&words);
}

/* random.seed(0); random.shuffle(index) of 0 to 4 gives 2, 1, 0, 4, 3: c and b come first. */
static void a_contact_sheet_says_what_each_picture_is(void **state) {
    cJSON *experiments = cJSON_CreateArray();
    cJSON_AddItemToArray(experiments, experiment_on_pictures(state));
    char *page = reported_contacts(experiments), *words = alternatives_of(page);
    assert_says(page, "<h2>What the augmentations do</h2>\n");
    assert_says(page, "<h3>&lt;all&gt;</h3>\n");
    assert_says(page, "<table class=\"sheet\" aria-label=\"Contact sheet of &lt;all&gt;\">\n"
                      "<thead>\n<tr><td></td>"
                      "<th scope=\"colgroup\" colspan=\"4\">Step by step, as in epoch 1</th>"
                      "<th scope=\"colgroup\" class=\"first\" colspan=\"6\">"
                      "Each alone, drawn three times</th></tr>\n<tr><td></td>"
                      "<th scope=\"col\" colspan=\"1\">original<small></small></th>"
                      "<th scope=\"col\" colspan=\"1\">resize<small>shorter side 12</small></th>"
                      "<th scope=\"col\" colspan=\"1\">random_<wbr>crop<small>8 × 8</small></th>"
                      "<th scope=\"col\" colspan=\"1\">random_<wbr>horizontal_<wbr>flip"
                      "<small>probability 0.5</small></th>"
                      "<th scope=\"col\" class=\"first\" colspan=\"3\">random_<wbr>crop"
                      "<small>8 × 8</small></th>"
                      "<th scope=\"col\" colspan=\"3\">random_<wbr>horizontal_<wbr>flip"
                      "<small>probability 0.5</small></th></tr>\n</thead>\n<tbody>\n"
                      "<tr><th scope=\"row\">fakes<small>c.png, label 0</small></th>"
                      "<td><img alt=\"c.png\" ");
    assert_says(page, "<tr><th scope=\"row\">fakes<small>b.png, label 0</small></th>");
    assert_says(page, "<tr><th scope=\"row\">R&amp;D<small>c.png, label 1</small></th>");
    assert_int_equal(count_of(page, "<td class=\"first\"><img alt=\"c.png with random_crop alone, "
                                    "draw 1\" width=\"8\" height=\"8\" src=\"data:image/webp;"),
                     2);
    assert_int_equal(count_of(page, "<td class=\"first\">"), 3);
    assert_int_equal(count_of(page, "<img "), 30);
    assert_says(words, "c.png|c.png after resize|c.png after random_crop|"
                       "c.png after random_horizontal_flip|c.png with random_crop alone, draw 1|"
                       "c.png with random_crop alone, draw 2|c.png with random_crop alone, draw 3|"
                       "c.png with random_horizontal_flip alone, draw 1|"
                       "c.png with random_horizontal_flip alone, draw 2|"
                       "c.png with random_horizontal_flip alone, draw 3|b.png|b.png after resize|");
    assert_null(strstr(page, "not drawn"));
    free(words);
    free(page);
    /* a picture that is damaged ends the sheet, and the page says why */
    char *damaged = temporary_path(state, "fake/b.png");
    assert_true(file_write_atomic(damaged, "no picture", 10, NULL));
    page = reported_contacts(experiments);
    assert_int_equal(count_of(page, "<img "), 10);
    assert_says(page, "</table>\n</div>\n<p class=\"note\">Not drawn: ");
    assert_says(page, "/fake/b.png: not a PNG, JPEG or WebP file");
    free(page);
    free(damaged);
    cJSON_Delete(experiments);
}

/* The first picture of a page; free it. */
static struct image picture_of(const char *page) {
    static const char begin[] = "src=\"data:image/webp;base64,";
    const char *text = strstr(page, begin) + strlen(begin);
    size_t length = strcspn(text, "\"");
    uint8_t *bytes = malloc(length);
    struct image image;
    int decoded = EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)length);
    assert_true(decoded > 0);
    assert_true(picture_decode(bytes, (size_t)decoded, "a picture", &image, NULL));
    free(bytes);
    return image;
}

static void a_picture_is_shrunk_to_its_place_and_not_enlarged(void **state) {
    (void)state;
    static const struct {
        int width, height;
        const char *size;
    } cases[] = {{448, 100, " width=\"224\" height=\"50\" "},
                 {100, 448, " width=\"50\" height=\"224\" "},
                 {1000, 2, " width=\"224\" height=\"1\" "},
                 {2, 1000, " width=\"1\" height=\"224\" "},
                 {100, 30, " width=\"100\" height=\"30\" "}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image image = sample_picture(cases[i].width, cases[i].height);
        struct text page = {0};
        assert_true(report_page_image(&page, &image, 224, "<a>"));
        assert_says(text_string(&page), "<img alt=\"&lt;a&gt;\"");
        assert_says(text_string(&page), cases[i].size);
        text_free(&page);
        image_free(&image);
    }
}

static void a_picture_is_in_the_page_itself(void **state) {
    (void)state;
    struct image image;
    struct text page = {0};
    long apart = 0;
    assert_true(image_new(&image, 100, 30, NULL));
    for (int i = 0; i < 100 * 30; i++) {
        const uint8_t colour[3] = {(uint8_t)(i % 100 * 2), (uint8_t)(i / 100 * 8), 99};
        memcpy(image.pixels + 3 * (ptrdiff_t)i, colour, sizeof colour);
    }
    assert_true(report_page_image(&page, &image, 224, ""));
    struct image shown = picture_of(text_string(&page));
    assert_int_equal(shown.width, 100);
    assert_int_equal(shown.height, 30);
    for (int i = 0; i < 3 * 100 * 30; i++)
        apart += abs(shown.pixels[i] - image.pixels[i]);
    assert_true(apart < 3 * 100 * 30 * 3); /* what WebP loses */
    image_free(&shown);
    image_free(&image);
    text_free(&page);
}

/* [matplotlib.colors.to_hex(matplotlib.colormaps["inferno"](i)) for i in (51, 102, 153, 204, 255)]
 */
static void the_key_of_a_map_has_its_colours(void **state) {
    (void)state;
    struct text page = {0};
    report_page_heat(&page, "a < b:", "least", "most");
    assert_string_equal(
        text_string(&page),
        "<p class=\"note\">a &lt; b: <span class=\"key\">least<span class=\"heat\" "
        "style=\"background:linear-gradient(to right,#420a68,#932667,#dd513a,#fca50a,"
        "#fcffa4)\"></span>most</span></p>\n");
    text_free(&page);
}

static void what_a_page_says_is_utf8_without_orders(void **state) {
    struct text text = {0};
    (void)state;
    drawing_escape(&text, "a\t<\"b\">\033\x7f&\xe2\x80\xae\xff"
                          "c\xe6\x97\xa5\xe6\x97");
    assert_string_equal(text_string(&text), "a &lt;&quot;b&quot;&gt;&amp;c\xe6\x97\xa5");
    text_free(&text);
}

/* A report is handed on: what a worker calls a picture must not be any other file of who makes it.
 */
static void a_report_shows_nothing_from_outside_of_data_root(void **state) {
    char *root = temporary_path(state, "faces");
    assert_int_equal(mkdir(root, 0700), 0);
    write_mistakes(*state);
    moved_root = root;
    outside = true;
    char *page = page_of(state, "2");
    moved_root = NULL;
    outside = false;
    assert_says(page, "3 of these 3 pictures cannot be read on this machine");
    assert_null(strstr(page, "<img"));
    free(page);
    free(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plot_draws_curves_with_names_units_and_the_best_epoch,
                                        temporary_make, temporary_remove),
        IN_FOLDER(panels_below_the_first_are_in_the_picture),
        IN_FOLDER(experiments_of_several_groups_have_their_whole_names),
        cmocka_unit_test(training_is_faint_beside_validation_and_each_panel_has_its_place),
        cmocka_unit_test(a_best_loss_of_zero_is_on_the_axis),
        cmocka_unit_test(a_loss_that_was_never_finite_is_no_value_that_can_be_drawn),
        cmocka_unit_test(without_epochs_it_is_said_whether_there_may_be_some),
        cmocka_unit_test(confusions_without_room_beside_others_stand_under_them),
        cmocka_unit_test(effects_stand_where_their_means_and_deviations_are),
        cmocka_unit_test_setup_teardown(plot_has_a_logarithmic_axis_for_losses_far_apart,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(plot_roc_has_the_area_of_the_scores, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(plot_confusion_counts_what_each_class_was_called,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(plot_confusion_has_a_line_for_each_of_a_thousand_classes,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_png_that_would_be_too_large_is_refused_and_an_svg_not,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(plot_keeps_the_end_of_a_name_of_any_length, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(
            plot_effects_names_values_and_how_many_experiments_have_them, temporary_make,
            temporary_remove),
        cmocka_unit_test_setup_teardown(plot_says_what_is_wrong_in_one_line, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(
            report_is_one_page_with_verdict_tables_drawings_and_mistakes, temporary_make,
            temporary_remove),
        IN_FOLDER(a_report_that_cannot_be_made_is_not_written),
        IN_FOLDER(a_class_without_pictures_has_no_share),
        cmocka_unit_test(more_than_a_picture_can_tell_apart_are_refused),
        cmocka_unit_test(what_has_nothing_to_draw_does_not_count_as_too_many),
        IN_FOLDER(a_report_of_too_many_draws_the_first_of_the_ranking),
        IN_FOLDER(a_report_has_each_tag_and_note_once_with_those_that_have_it),
        IN_FOLDER(a_report_has_the_mistakes_of_a_checkpoint_that_cannot_decide),
        IN_FOLDER(a_report_finds_pictures_in_a_folder_of_any_name),
        IN_FOLDER(a_report_names_the_pictures_that_are_not_here_beside_those_that_are),
        IN_FOLDER(the_surest_mistake_comes_first),
        IN_FOLDER(a_contact_sheet_says_what_each_picture_is),
        cmocka_unit_test(what_takes_long_is_said_once),
        cmocka_unit_test(a_report_has_a_sheet_for_each_pipeline_that_differs_up_to_six),
        IN_FOLDER(plot_shows_the_checkpoint_and_the_split_that_are_asked_for),
        IN_FOLDER(a_report_shows_nothing_from_outside_of_data_root),
        cmocka_unit_test(a_picture_is_shrunk_to_its_place_and_not_enlarged),
        cmocka_unit_test(a_picture_is_in_the_page_itself),
        cmocka_unit_test(the_key_of_a_map_has_its_colours),
        cmocka_unit_test(what_a_page_says_is_utf8_without_orders),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
