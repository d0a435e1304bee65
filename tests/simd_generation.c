/* simd_generation: linked into a test of one generation of x86 alone (core/simd.h), which an older
 * processor cannot run: there the test is skipped. */
#include <stdio.h>
#include <stdlib.h>

enum { SKIPPED = 77 };

__attribute__((constructor)) static void skip_on_older_processors(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports(SIMD_GENERATION))
        return;
    puts("skipped: this processor is not " SIMD_GENERATION);
    exit(SKIPPED);
}
