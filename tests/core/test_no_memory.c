/* Memory that is refused at every moment in turn: what comes is whole, or the error says so. */
#include "core/board.h"
#include "core/checksums.h"
#include "core/experiment.h"
#include "core/file.h"
#include "core/json.h"
#include "core/manifest_file.h"
#include "core/members.h"
#include "core/picture.h"
#include "core/pth.h"
#include "core/recipe.h"
#include "core/safetensors.h"
#include "core/shortage.h"
#include "core/split_make.h"
#include "core/wire.h"
#include "tests/refusing.h"
#include "tests/temporary.h"

#include <jpeglib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <cmocka.h>
#include <jerror.h> /* after jpeglib.h: which codes there are depends on its version */

static const char config[] =
    "{\"name\":\"a\",\"data\":{\"classes\":[{\"name\":\"x\",\"dir\":\"x\",\"label\":0},"
    "{\"name\":\"y\",\"dir\":\"y\",\"label\":1}]},\"augmentations\":[{\"op\":\"random_crop\","
    "\"size\":8},{\"op\":\"normalize\"}],\"evaluation\":[{\"op\":\"center_crop\",\"size\":8},"
    "{\"op\":\"normalize\"}],"
    "\"model\":{\"arch\":\"resnet18\",\"weights\":null},\"train\":{\"epochs\":3}}";

static cJSON *config_parse(void) {
    cJSON *json = json_parse(config, strlen(config), "config", NULL);
    assert_non_null(json);
    return json;
}

static void a_text_is_parsed_whole_or_not_at_all(void **state) {
    static const char text[] = "{\"a\":[1,\"two\",true,null,{\"b\":false}],\"c\":\"\"}";
    (void)state;
    REFUSE_EACH(n) {
        struct error error = {0};
        cJSON *json = json_parse(text, strlen(text), "text", &error);
        refuse_no_more();
        assert_true((json == NULL) == refused);
        assert_true(!refused || error_is_shortage(&error));
        assert_string_equal(refused ? error.message : "",
                            refused ? "text: no memory to parse it" : "");
        char *again = json != NULL ? json_text(json) : NULL; /* nothing of the failure is left */
        assert_string_equal(again != NULL ? again : text, text);
        free(again);
        cJSON_Delete(json);
    }
}

static void a_tree_that_lacks_a_part_has_no_text(void **state) {
    (void)state;
    REFUSE_EACH(n) {
        cJSON *json = cJSON_CreateObject(), *inner = cJSON_AddObjectToObject(json, "inner");
        cJSON_AddStringToObject(json, "name", "value");
        cJSON_AddNumberToObject(inner, "n", 7);
        char *text = json_text(json);
        refuse_no_more();
        assert_true((text == NULL) == refused);
        assert_string_equal(text != NULL ? text : "",
                            refused ? "" : "{\"inner\":{\"n\":7},\"name\":\"value\"}");
        shortage_in_trees(); /* where it was the text itself that had no memory */
        free(text);
        cJSON_Delete(json);
    }
}

static void an_experiment_is_decoded_whole_or_not_at_all(void **state) {
    struct experiment experiment;
    struct faults none = {0};
    cJSON *whole = config_parse();
    (void)state;
    assert_true(experiment_from_json(whole, &experiment, &none));
    experiment_free(&experiment);
    REFUSE_EACH(n) {
        struct faults faults = {0};
        refuse_no_more();
        cJSON *json = config_parse();
        refuse_after = n;
        bool good = experiment_from_json(json, &experiment, &faults);
        refuse_no_more();
        assert_true(good || (refused && faults.machine));
        if (good) {
            assert_true(cJSON_Compare(experiment.config, whole, true));
            assert_int_equal(experiment.augmentations.count, 2);
            assert_string_equal(experiment.model.arch, "resnet18");
            experiment_free(&experiment);
        }
        faults_free(&faults);
        cJSON_Delete(json);
    }
    cJSON_Delete(whole);
}

/* A fault that there is no memory for, or for its place, is one all the same. */
static void what_is_broken_is_not_read_for_want_of_memory(void **state) {
    static const char broken[] =
        "{\"name\":7,\"data\":{\"classes\":[{\"name\":7,\"dir\":7},7],\"split\":{\"train\":\"all\"}"
        "},"
        "\"augmentations\":[{\"op\":\"resize\"}],\"evaluation\":[7],"
        "\"model\":{\"arch\":7,\"fresh\":[7]},\"stop\":{\"rule\":7},"
        "\"train\":{\"optimizer\":{\"name\":\"adm\"},\"scheduler\":{\"name\":\"cosine\"}}}";
    (void)state;
    REFUSE_EACH(n) {
        struct experiment experiment;
        struct faults faults = {0};
        refuse_no_more();
        cJSON *json = json_parse(broken, sizeof broken - 1, "broken", NULL);
        refuse_after = n;
        assert_false(experiment_from_json(json, &experiment, &faults));
        refuse_no_more();
        assert_true(faults.count > 0);
        faults_free(&faults);
        cJSON_Delete(json);
    }
}

static void a_matrix_makes_every_member_whole_or_none(void **state) {
    char *path = temporary_path(state, "m.json"), *text = NULL;
    struct error error = {0};
    static const struct {
        const char *seed;
        int64_t seed_number, epochs;
    } made[] = {{"0", 0, 4}, {"5", 5, 4}, {"7", 7, 3}};
    assert_true(asprintf(&text,
                         "%.*s,\"matrix\":{\"train.seed\":[0,5],"
                         "\"include\":[{\"train.epochs\":4},{\"train.seed\":7}]}}",
                         (int)strlen(config) - 1, config) > 0);
    assert_true(file_write_atomic(path, text, strlen(text), &error));
    REFUSE_EACH(n) {
        struct members members;
        struct faults faults = {0};
        char *read = NULL;
        error = (struct error){0};
        bool good = members_read(path, &members, &read, &faults, &error);
        refuse_no_more();
        assert_true(good || (refused && (faults.machine || error_is_shortage(&error))));
        for (size_t i = 0; good && i < 3; i++) {
            assert_int_equal(members.count, 3);
            const cJSON *train = json_member(members.items[i].config, "train");
            assert_int_equal(json_integer(train, "seed"), made[i].seed_number);
            assert_int_equal(json_integer(train, "epochs"), made[i].epochs);
            assert_int_equal(json_integer(train, "batch_size"), 32);
            assert_string_equal(json_string(members.items[i].variant, "train.seed"), made[i].seed);
        }
        if (good)
            members_free(&members);
        faults_free(&faults);
        free(read);
    }
    free(text);
    free(path);
}

/* "{}" would be another message than the one that was meant, and the answer to it "invalid". */
static void a_message_is_sent_whole_or_not_at_all(void **state) {
    (void)state;
    REFUSE_EACH(n) {
        struct wire_packet packet;
        struct error error = {0};
        cJSON *body = cJSON_CreateObject();
        cJSON_AddNumberToObject(body, "since", 3);
        bool sent = wire_encode("changes", 1, body, &packet, &error);
        refuse_no_more();
        assert_true(sent == !refused);
        assert_true(sent || error_is_shortage(&error));
        assert_string_equal(sent ? packet.body : "", sent ? "{\"since\":3}" : "");
        shortage_in_trees();
        wire_packet_free(&packet);
        cJSON_Delete(body);
    }
}

/* A worker drops a report that is called invalid. */
static void a_message_that_there_is_no_memory_for_is_not_called_invalid(void **state) {
    static const struct wire_frame frames[] = {
        {"assay/1", 7}, {"changes", 7}, {"1", 1}, {"{\"since\":3}", 11}};
    (void)state;
    REFUSE_EACH(n) {
        struct wire_message message;
        struct error error = {0};
        enum wire_code code;
        bool good = wire_decode(frames, 4, &message, &code, &error);
        refuse_no_more();
        assert_true(good || (refused && code == WIRE_INTERNAL && error_is_shortage(&error)));
        wire_message_free(&message);
    }
}

static void a_listing_that_there_is_no_memory_for_is_not_called_wrong(void **state) {
    static const char line[] =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.png\n";
    (void)state;
    REFUSE_EACH(n) {
        struct manifest listing = {0};
        struct error error = {0};
        bool good = checksums_read(line, sizeof line - 1, "real", &listing, &error);
        refuse_no_more();
        assert_true(good || error_is_shortage(&error));
        if (good)
            manifest_free(&listing);
    }
}

static void a_manifest_that_there_is_no_memory_for_is_not_called_broken(void **state) {
    static const char text[] =
        "{\"classes\":[{\"name\":\"real\",\"files\":[{\"path\":\"real/"
        "a.png\",\"bytes\":3,\"sha256\":"
        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}]}]}";
    char *path = temporary_path(state, "manifest.json");
    assert_true(file_write_atomic(path, text, sizeof text - 1, NULL));
    REFUSE_EACH(n) {
        struct manifest manifest;
        struct error error = {0};
        bool good = manifest_read(path, &manifest, &error);
        refuse_no_more();
        assert_true(good == !refused);
        assert_true(good || error_is_shortage(&error));
        if (good)
            manifest_free(&manifest);
    }
    free(path);
}

/* The split is made or wants memory, whichever piece is refused. */
static void refuse_split(const struct experiment *experiment, const char *root) {
    REFUSE_EACH(n) {
        struct split split;
        struct error error = {0};
        bool good = split_make(experiment, root, &split, &error);
        refuse_no_more();
        assert_true(good == !refused);
        assert_true(good || error_is_shortage(&error));
        if (good)
            split_free(&split);
    }
}

static void lists_that_there_is_no_memory_for_are_not_called_wrong(void **state) {
    char *root = temporary_path(state, "."), *first = temporary_path(state, "0.png"),
         *second = temporary_path(state, "1.png"), *list = temporary_path(state, "list.json"),
         *empty = temporary_path(state, "empty.json"), *text = NULL;
    struct experiment experiment = {.data.files = {list, empty, empty}};
    assert_true(asprintf(&text, "[{\"label\":0,\"path\":\"0.png\"},{\"label\":1,\"path\":\"%s\"}]",
                         second) > 0);
    assert_true(file_write_atomic(first, "", 0, NULL) && file_write_atomic(second, "", 0, NULL) &&
                file_write_atomic(empty, "[]", 2, NULL) &&
                file_write_atomic(list, text, strlen(text), NULL));
    refuse_split(&experiment, root);
    free(text);
    free(empty);
    free(list);
    free(second);
    free(first);
    free(root);
}

/* "a" and "b" are of one size and share a shuffle. */
static void folders_that_there_is_no_memory_for_are_split_whole_or_not_at_all(void **state) {
    static const char *const pictures[] = {"a/0.png", "a/1.png", "b/0.png", "b/1.png",
                                           "c/0.png", "c/1.png", "c/2.png"};
    struct experiment_class classes[] = {{"a", "a", 0, 2}, {"b", "b", 1, 1}, {"c", "c/", 1, 1}};
    const struct experiment experiment = {
        .data = {.classes = classes, .class_count = 3, .train = 0.5, .valid = 0.25, .test = 0.25}};
    char *root = temporary_path(state, "folders");
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        char *path = NULL, *folder = NULL;
        assert_true(asprintf(&path, "%s/%s", root, pictures[i]) > 0);
        assert_true(asprintf(&folder, "%s/%c", root, pictures[i][0]) > 0);
        assert_true(folder_make(folder, NULL) && file_write_atomic(path, "", 0, NULL));
        free(folder);
        free(path);
    }
    refuse_split(&experiment, root);
    free(root);
}

static void what_a_run_shows_is_whole_or_nothing(void **state) {
    struct experiment experiment;
    struct faults none = {0};
    cJSON *json = config_parse(), *variant = cJSON_CreateObject();
    (void)state;
    assert_true(experiment_from_json(json, &experiment, &none));
    cJSON_AddStringToObject(variant, "train.epochs", "3");
    cJSON *whole = board_hparams(experiment.config, variant);
    REFUSE_EACH(n) {
        cJSON *hparams = board_hparams(experiment.config, variant);
        refuse_no_more();
        assert_true(hparams == NULL || cJSON_Compare(hparams, whole, true));
        assert_true(hparams != NULL || refused);
        shortage_in_trees();
        cJSON_Delete(hparams);
    }
    cJSON_Delete(whole);
    cJSON_Delete(variant);
    experiment_free(&experiment);
    cJSON_Delete(json);
}

static void weights_that_there_is_no_memory_for_are_not_called_damaged(void **state) {
    static const char *const files[] = {TEST_DATA "/pth/kinds.pth", TEST_DATA "/pth/old_kinds.pth",
                                        TEST_DATA "/safetensors/small.safetensors"};
    (void)state;
    for (size_t i = 0; i < 3; i++)
        REFUSE_EACH(n) {
            struct safetensors *file = NULL;
            struct error error = {0};
            bool good = weights_file_open(files[i], &file, &error);
            refuse_no_more();
            assert_true(good == !refused);
            assert_true(good || error_is_shortage(&error));
            safetensors_close(file);
        }
}

/* --- pictures --- */

static bool libraries_have_none; /* what these ask for of themselves */
static bool alpha_is_damaged;    /* of which libwebp 1.5 says that it has none */

boolean __real_jpeg_start_decompress(j_decompress_ptr jpeg);
boolean __wrap_jpeg_start_decompress(j_decompress_ptr jpeg);
boolean __wrap_jpeg_start_decompress(j_decompress_ptr jpeg) {
    if (libraries_have_none)
        ERREXIT1(jpeg, JERR_OUT_OF_MEMORY, 0);
    return __real_jpeg_start_decompress(jpeg);
}

VP8StatusCode __real_WebPDecode(const uint8_t *data, size_t length, WebPDecoderConfig *decoder);
VP8StatusCode __wrap_WebPDecode(const uint8_t *data, size_t length, WebPDecoderConfig *decoder);
VP8StatusCode __wrap_WebPDecode(const uint8_t *data, size_t length, WebPDecoderConfig *decoder) {
    if (!libraries_have_none && !alpha_is_damaged)
        return __real_WebPDecode(data, length, decoder);
    if (libraries_have_none)
        errno = ENOMEM;
    return VP8_STATUS_OUT_OF_MEMORY;
}

int __real_WebPAnimDecoderGetNext(WebPAnimDecoder *decoder, uint8_t **canvas, int *ends_ms);
int __wrap_WebPAnimDecoderGetNext(WebPAnimDecoder *decoder, uint8_t **canvas, int *ends_ms);
int __wrap_WebPAnimDecoderGetNext(WebPAnimDecoder *decoder, uint8_t **canvas, int *ends_ms) {
    if (!libraries_have_none)
        return __real_WebPAnimDecoderGetNext(decoder, canvas, ends_ms);
    errno = ENOMEM;
    return 0;
}

static void a_picture_that_there_is_no_memory_for_is_not_called_damaged(void **state) {
    static const char *const files[] = {"rgb8_33x9.png", "grey16_adam7_17x13.png",
                                        "jpeg_cmyk_16x16.jpg", "webp_lossless_7x5.webp",
                                        "webp_animated_offset.webp"};
    struct image image;
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/pictures/%s", TEST_DATA, files[i]);
        REFUSE_EACH(n) {
            struct error error = {0};
            bool good = picture_read(path, &image, &error);
            refuse_no_more();
            assert_true(good || error_is_shortage(&error));
            assert_true(good == (image.pixels != NULL));
            image_free(&image);
        }
        if (i < 2) /* libpng asks us */
            continue;
        struct error error = {0};
        libraries_have_none = true;
        assert_false(picture_read(path, &image, &error));
        libraries_have_none = false;
        assert_true(error_is_shortage(&error));
        assert_null(strstr(error.message, "damaged"));
    }
}

static void a_picture_is_written_whole_or_not_at_all(void **state) {
    char *path = temporary_path(state, "written.png");
    struct image image, read;
    assert_true(picture_read(TEST_DATA "/pictures/rgb8_33x9.png", &image, NULL));
    REFUSE_EACH(n) {
        struct error error = {0};
        unlink(path);
        bool good = png_write(path, &image, &error);
        refuse_no_more();
        assert_true(good == !refused);
        assert_true(good || error_is_shortage(&error));
        if (access(path, F_OK) != 0)
            continue;
        assert_true(picture_read(path, &read, NULL));
        assert_memory_equal(read.pixels, image.pixels, (size_t)3 * 33 * 9);
        image_free(&read);
    }
    image_free(&image);
    free(path);
}

static void damage_that_libwebp_takes_for_want_of_memory_is_called_damage(void **state) {
    struct image image;
    struct error error = {0};
    (void)state;
    errno = ENOMEM; /* from before */
    alpha_is_damaged = true;
    assert_false(picture_read(TEST_DATA "/pictures/webp_lossy_alpha_7x5.webp", &image, &error));
    alpha_is_damaged = false;
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "damaged WebP: the picture data is broken"));
}

static void a_recipe_is_carried_out_to_its_end_or_the_error_says_so(void **state) {
    const struct recipe recipe = {
        4,
        4,
        3,
        {{.kind = RECIPE_RESIZE, .width = 3, .height = 3},
         {.kind = RECIPE_WINDOW, .width = 5, .height = 6, .of.window = {.left = -1, .top = -2}},
         {.kind = RECIPE_AFFINE, .width = 5, .height = 6, .of.affine.map.fixed = true}}};
    (void)state;
    REFUSE_EACH(n) {
        struct image image;
        struct error error = {0};
        refuse_no_more();
        assert_true(image_new(&image, 4, 4, NULL));
        memset(image.pixels, 7, (size_t)3 * 4 * 4);
        refuse_after = n;
        bool good = recipe_apply(&recipe, &image, &error);
        refuse_no_more();
        assert_true(good != refused);
        assert_true(good || error_is_shortage(&error));
        assert_true(!good || (image.width == 5 && image.height == 6));
        image_free(&image);
    }
}

/* Else it would count as the experiment's own failure. */
static void a_weight_file_is_written_or_memory_was_short(void **state) {
    char *path = temporary_path(state, "w.safetensors");
    const uint8_t byte = 5;
    const struct tensor tensor = {"b", TENSOR_U8, 1, {1}, &byte, 1};
    REFUSE_EACH(n) {
        struct error error = {0};
        unlink(path);
        bool good = safetensors_write(path, &tensor, 1, &(struct metadata){"k", "v"}, 1, &error);
        refuse_no_more();
        assert_true(good || error_is_shortage(&error));
        assert_true(!good || access(path, F_OK) == 0);
    }
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listing_that_there_is_no_memory_for_is_not_called_wrong),
        IN_FOLDER(a_manifest_that_there_is_no_memory_for_is_not_called_broken),
        IN_FOLDER(lists_that_there_is_no_memory_for_are_not_called_wrong),
        IN_FOLDER(folders_that_there_is_no_memory_for_are_split_whole_or_not_at_all),
        cmocka_unit_test(what_a_run_shows_is_whole_or_nothing),
        cmocka_unit_test(a_picture_that_there_is_no_memory_for_is_not_called_damaged),
        IN_FOLDER(a_picture_is_written_whole_or_not_at_all),
        cmocka_unit_test(damage_that_libwebp_takes_for_want_of_memory_is_called_damage),
        cmocka_unit_test(a_recipe_is_carried_out_to_its_end_or_the_error_says_so),
        cmocka_unit_test(weights_that_there_is_no_memory_for_are_not_called_damaged),
        cmocka_unit_test(a_text_is_parsed_whole_or_not_at_all),
        cmocka_unit_test(a_tree_that_lacks_a_part_has_no_text),
        cmocka_unit_test(an_experiment_is_decoded_whole_or_not_at_all),
        cmocka_unit_test(what_is_broken_is_not_read_for_want_of_memory),
        cmocka_unit_test_setup_teardown(a_matrix_makes_every_member_whole_or_none, temporary_make,
                                        temporary_remove),
        cmocka_unit_test(a_message_is_sent_whole_or_not_at_all),
        cmocka_unit_test(a_message_that_there_is_no_memory_for_is_not_called_invalid),
        IN_FOLDER(a_weight_file_is_written_or_memory_was_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
