#include "worker/bench_input.h"

#include "core/file.h"
#include "core/json.h"
#include "core/png.h"
#include "tests/sample_picture.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void put(void **state, const char *name) {
    struct error error = {0};
    char *path = temporary_path(state, name);
    struct image image = sample_picture(48, 40);
    if (!folder_make_of(path, &error) || !png_write(path, &image, &error))
        fail_msg("%s", error.message);
    image_free(&image);
    free(path);
}

/* A link is, like an entry of a file system that keeps to itself what it is, a folder by what stat
 * says alone. */
static void pictures_right_below_the_folder_count_wherever_they_stand(void **state) {
    struct error error = {0};
    cJSON *out = cJSON_CreateObject();
    put(state, "set/a.png");
    put(state, "set/own/b.png");
    put(state, "set/own/deeper/c.png");
    put(state, "set/.hidden/d.png");
    put(state, "elsewhere/e.png");
    char *folder = temporary_path(state, "set"), *link = temporary_path(state, "set/linked");
    assert_int_equal(symlink("../elsewhere", link), 0);
    if (!bench_input(folder, 32, 1, out, &error))
        fail_msg("%s", error.message);
    assert_int_equal(json_integer(out, "pictures"), 3);
    cJSON_Delete(out);
    free(folder);
    free(link);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(pictures_right_below_the_folder_count_wherever_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
