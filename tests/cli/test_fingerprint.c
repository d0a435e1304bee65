/* What a manifest says of pictures counts while they are those that it is of. */
#include "cli/fingerprint.h"

#include "cli/field.h"
#include "core/file.h"
#include "core/text.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

/* printf one | sha256sum, printf two! | sha256sum */
#define ONE "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
#define TWO "a97b629a5b1da759586c3353a9bc284bf673970d8eca56e11e556b715c329614"

static const char manifest_file[] =
    "{\"classes\": [{\"name\": \"x\", \"files\": ["
    "{\"path\": \"b.png\", \"bytes\": 4, \"sha256\": \"" TWO "\"},"
    "{\"path\": \"a.png\", \"bytes\": 3, \"sha256\": \"" ONE "\"}]}]}";

/* Writes a file that was changed so many seconds and nanoseconds after 1970. */
static void write_file(void **state, const char *name, const char *text, long s, long ns) {
    char *path = temporary_path(state, name);
    const struct timespec times[2] = {{s, ns}, {s, ns}};
    assert_true(file_write_atomic(path, text, strlen(text), NULL));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

/* a.png and then `other`, looked up in the manifest of a.png and b.png. */
static bool look_up(void **state, char *other, struct manifest_picture pictures[2],
                    struct error *error) {
    char first[] = "a.png", *path = temporary_path(state, "manifest.json");
    struct manifest here = {.pictures = pictures, .count = 2};
    pictures[0] = (struct manifest_picture){.path = first};
    pictures[1] = (struct manifest_picture){.path = other};
    *error = (struct error){0};
    bool good = fingerprint_checksums(path, *state, &here, error);
    free(path);
    return good;
}

static void what_is_older_than_the_manifest_has_its_sizes_and_checksums(void **state) {
    struct manifest_picture pictures[2];
    struct error error;
    char b[] = "b.png";
    write_file(state, "manifest.json", manifest_file, 1000, 500);
    write_file(state, "a.png", "one", 999, 900);
    write_file(state, "b.png", "two!", 1000, 500);
    if (!look_up(state, b, pictures, &error))
        fail_msg("%s", error.message);
    assert_int_equal(pictures[0].bytes, 3);
    assert_string_equal(pictures[0].sha256, ONE);
    assert_int_equal(pictures[1].bytes, 4);
    assert_string_equal(pictures[1].sha256, TWO);
}

static void one_that_was_changed_since_is_not_what_the_manifest_says(void **state) {
    static const struct {
        const char *text;
        long s, ns;
    } changed[] = {{"two!", 1000, 501}, {"two!", 1001, 0}, {"two", 1000, 0}, {"two!!", 1000, 0}};
    write_file(state, "manifest.json", manifest_file, 1000, 500);
    write_file(state, "a.png", "one", 1000, 0);
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        struct manifest_picture pictures[2];
        struct error error;
        char b[] = "b.png";
        write_file(state, "b.png", changed[i].text, changed[i].s, changed[i].ns);
        assert_false(look_up(state, b, pictures, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "manifest.json is older than b.png"));
    }
}

static void one_that_is_new_or_gone_is_said(void **state) {
    struct manifest_picture pictures[2];
    struct error error;
    char b[] = "b.png", c[] = "c.png";
    write_file(state, "manifest.json", manifest_file, 1000, 0);
    write_file(state, "a.png", "one", 1000, 0);
    write_file(state, "c.png", "three", 1000, 0);
    assert_false(look_up(state, c, pictures, &error));
    assert_non_null(strstr(error.message, "manifest.json does not know c.png"));
    assert_false(look_up(state, b, pictures, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "b.png: No such file or directory"));
}

/* A member on the pictures of x and of `other`, and its fingerprint of the latter. */
static char *of_member(void **state, const char *other, struct fingerprint_memory *memory) {
    char text[1024], *sum;
    struct error error = {0};
    snprintf(text, sizeof text,
             "{\"name\": \"a\", \"data\": {\"root\": \"%s\", \"classes\": ["
             "{\"name\": \"x\", \"dir\": \"x\", \"label\": 0},"
             "{\"name\": \"other\", \"dir\": \"%s\", \"label\": 1}]},"
             "\"model\": {\"arch\": \"resnet18\", \"weights\": null}}",
             (const char *)*state, other);
    struct member member = {.config = cJSON_Parse(text)};
    if (!fingerprint_add("a.json", NULL, &member, memory, &error))
        fail_msg("%s", error.message);
    sum = strdup(
        field_text(cJSON_GetArrayItem(field_at(member.config, "data.fingerprint.classes"), 1),
                   "sha256", "none"));
    cJSON_Delete(member.config);
    return sum;
}

static void members_on_other_pictures_have_other_fingerprints(void **state) {
    static const char *const classes[] = {"x", "y", "z"};
    struct fingerprint_memory memory = {0};
    struct text manifest = {0};
    text_format(&manifest, "{\"classes\": [{\"name\": \"all\", \"files\": [");
    for (size_t i = 0; i < 3; i++) {
        char *folder = temporary_path(state, classes[i]);
        assert_true(folder_make(folder, NULL));
        free(folder);
        for (int j = 0; j < 10; j++) {
            char name[32];
            snprintf(name, sizeof name, "%s/%d.png", classes[i], j);
            write_file(state, name, "one", 1000, 0);
            text_format(&manifest, "%s{\"path\": \"%s\", \"bytes\": 3, \"sha256\": \"" ONE "\"}",
                        i + (size_t)j > 0 ? "," : "", name);
        }
    }
    text_format(&manifest, "]}]}");
    write_file(state, "assay-manifest.json", text_string(&manifest), 1000, 0);
    text_free(&manifest);
    char *y = of_member(state, "y", &memory), *z = of_member(state, "z", &memory),
         *again = of_member(state, "y", &memory);
    assert_int_equal(strlen(y), 64);
    assert_string_not_equal(y, z);
    assert_string_equal(y, again);
    free(y), free(z), free(again);
    fingerprint_memory_free(&memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_older_than_the_manifest_has_its_sizes_and_checksums),
        IN_FOLDER(one_that_was_changed_since_is_not_what_the_manifest_says),
        IN_FOLDER(one_that_is_new_or_gone_is_said),
        IN_FOLDER(members_on_other_pictures_have_other_fingerprints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
