#include "worker/cache.h"

#include "tests/sample_picture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void keep(struct cache *cache, const char *key, int width, int height) {
    struct image image = sample_picture(width, height);
    cache_keep(cache, key, &image);
    image_free(&image);
}

static void a_kept_picture_is_found_with_its_pixels(void **state) {
    (void)state;
    struct cache *cache;
    assert_true(cache_new(1 << 20, &cache, NULL));
    struct image image = sample_picture(20, 10);
    cache_keep(cache, "a", &image);
    const struct image *found = cache_find(cache, "a");
    assert_non_null(found);
    assert_int_equal(found->width, 20);
    assert_int_equal(found->height, 10);
    assert_true(image_hash(found) == image_hash(&image));
    assert_ptr_not_equal(found->pixels, image.pixels);
    assert_null(cache_find(cache, "b"));
    assert_null(cache_find(cache, ""));
    image_free(&image);
    cache_free(cache);
}

static void what_came_first_stays_and_what_does_not_fit_is_left_out(void **state) {
    (void)state;
    struct cache *cache;
    assert_true(cache_new(10000, &cache, NULL));
    keep(cache, "first", 50, 50); /* 7500 bytes */
    size_t used = cache_bytes(cache);
    assert_in_range(used, 7500, 7700);
    keep(cache, "large", 50, 50);
    assert_null(cache_find(cache, "large"));
    assert_int_equal(cache_bytes(cache), used);
    keep(cache, "small", 20, 20); /* 1200 bytes */
    assert_non_null(cache_find(cache, "small"));
    assert_non_null(cache_find(cache, "first"));
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        keep(cache, key, 5, 5);
        assert_in_range(cache_bytes(cache), used, 10000);
    }
    assert_non_null(cache_find(cache, "first"));
    cache_free(cache);
}

static void keeping_a_key_twice_keeps_the_first_and_counts_it_once(void **state) {
    (void)state;
    struct cache *cache;
    assert_true(cache_new(1 << 20, &cache, NULL));
    keep(cache, "a", 4, 4);
    size_t used = cache_bytes(cache);
    const struct image *first = cache_find(cache, "a");
    keep(cache, "a", 8, 8);
    assert_ptr_equal(cache_find(cache, "a"), first);
    assert_int_equal(first->width, 4);
    assert_int_equal(cache_bytes(cache), used);
    cache_free(cache);
}

static void thousands_of_pictures_are_all_found(void **state) {
    (void)state;
    struct cache *cache;
    char key[16];
    assert_true(cache_new(1 << 20, &cache, NULL));
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "%d", i);
        keep(cache, key, 1 + i % 5, 1);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "%d", i);
        const struct image *found = cache_find(cache, key);
        assert_non_null(found);
        assert_int_equal(found->width, 1 + i % 5);
    }
    cache_free(cache);
}

/* The same 300 keys from every thread: what is found must be right, whoever kept it. */
static void *use_from_thread(void *argument) {
    struct cache *cache = argument;
    size_t wrong = 0;
    for (int i = 0; i < 300; i++) {
        char key[16];
        int width = 1 + i % 7;
        snprintf(key, sizeof key, "%d", i);
        keep(cache, key, width, 3);
        const struct image *found = cache_find(cache, key);
        struct image expected = sample_picture(width, 3);
        wrong += found == NULL || image_hash(found) != image_hash(&expected);
        image_free(&expected);
    }
    return (void *)wrong;
}

static void threads_share_it_and_count_each_key_once(void **state) {
    (void)state;
    struct cache *cache, *alone;
    pthread_t threads[4];
    assert_true(cache_new(1 << 20, &cache, NULL));
    assert_true(cache_new(1 << 20, &alone, NULL));
    use_from_thread(alone);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_from_thread, cache), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    assert_int_equal(cache_bytes(cache), cache_bytes(alone));
    cache_free(cache);
    cache_free(alone);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_picture_is_found_with_its_pixels),
        cmocka_unit_test(what_came_first_stays_and_what_does_not_fit_is_left_out),
        cmocka_unit_test(keeping_a_key_twice_keeps_the_first_and_counts_it_once),
        cmocka_unit_test(thousands_of_pictures_are_all_found),
        cmocka_unit_test(threads_share_it_and_count_each_key_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
