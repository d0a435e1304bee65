#include "cli/substitute.h"

#include "core/array.h"

#include <cairo-ft.h>
#include <fontconfig/fontconfig.h>
#include <stdbool.h>
#include <stdlib.h>

struct substitute {
    unsigned long code;
    cairo_font_face_t *face;
};

/* By code. */
struct substitutes {
    struct substitute *items;
    size_t count, capacity;
};

static const cairo_user_data_key_t kept;

static cairo_font_face_t *ask(cairo_font_face_t *usual, unsigned long code) {
    const char *family = cairo_toy_font_face_get_family(usual);
    const bool bold = cairo_toy_font_face_get_weight(usual) == CAIRO_FONT_WEIGHT_BOLD;
    FcPattern *wish = FcPatternCreate(), *found = NULL;
    FcCharSet *letters = FcCharSetCreate();
    FcResult result;
    if (wish != NULL && letters != NULL && FcCharSetAddChar(letters, (FcChar32)code) &&
        FcPatternAddCharSet(wish, FC_CHARSET, letters) &&
        FcPatternAddString(wish, FC_FAMILY, (const FcChar8 *)family) &&
        FcPatternAddInteger(wish, FC_WEIGHT, bold ? FC_WEIGHT_BOLD : FC_WEIGHT_NORMAL) &&
        FcConfigSubstitute(NULL, wish, FcMatchPattern)) {
        FcDefaultSubstitute(wish);
        found = FcFontMatch(NULL, wish, &result);
    }
    cairo_font_face_t *face =
        found != NULL ? cairo_ft_font_face_create_for_pattern(found) : NULL; /* has its own */
    if (found != NULL)
        FcPatternDestroy(found);
    if (letters != NULL)
        FcCharSetDestroy(letters);
    if (wish != NULL)
        FcPatternDestroy(wish);
    return face;
}

static void substitutes_free(void *data) {
    struct substitutes *known = data;
    for (size_t i = 0; i < known->count; i++)
        cairo_font_face_destroy(known->items[i].face);
    free(known->items);
    free(known);
}

/* Those of a font; NULL without memory. */
static struct substitutes *substitutes_of(cairo_font_face_t *usual) {
    struct substitutes *known = cairo_font_face_get_user_data(usual, &kept);
    if (known != NULL || (known = calloc(1, sizeof *known)) == NULL)
        return known;
    if (cairo_font_face_set_user_data(usual, &kept, known, substitutes_free) ==
        CAIRO_STATUS_SUCCESS)
        return known;
    free(known);
    return NULL;
}

static int by_code(const void *key, const void *item) {
    unsigned long code = *(const unsigned long *)key,
                  other = ((const struct substitute *)item)->code;
    return (code > other) - (code < other);
}

/* Without memory for that the next one asks again. */
static void keep(struct substitutes *known, size_t at, unsigned long code,
                 cairo_font_face_t *face) {
    struct substitute *items =
        array_gap(known->items, at, known->count, &known->capacity, sizeof *items);
    if (items == NULL)
        return;
    items[at] = (struct substitute){code, cairo_font_face_reference(face)};
    known->items = items;
    known->count++;
}

cairo_font_face_t *substitute_for(cairo_font_face_t *usual, unsigned long code) {
    struct substitutes *known = substitutes_of(usual);
    const size_t at = known != NULL ? array_place(&code, known->items, known->count,
                                                  sizeof *known->items, by_code)
                                    : 0;
    if (known != NULL && at < known->count && known->items[at].code == code)
        return cairo_font_face_reference(known->items[at].face);
    cairo_font_face_t *face = ask(usual, code);
    if (known != NULL && face != NULL)
        keep(known, at, code, face);
    return face;
}
