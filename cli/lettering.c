#include "cli/lettering.h"

#include "cli/substitute.h"
#include "core/shortage.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

void lettering_use(cairo_t *cairo, double size, bool bold) {
    cairo_select_font_face(cairo, LETTERING_FONT, CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, size);
}

/* Whether the font has a glyph for all of it. */
static bool has(cairo_scaled_font_t *font, const char *text, size_t length) {
    cairo_glyph_t *glyphs = NULL;
    int count = 0;
    cairo_status_t status = cairo_scaled_font_text_to_glyphs(font, 0, 0, text, (int)length, &glyphs,
                                                             &count, NULL, NULL, NULL);
    bool all = status == CAIRO_STATUS_SUCCESS;
    for (int i = 0; i < count; i++)
        all = all && glyphs[i].index != 0;
    cairo_glyph_free(glyphs);
    return all;
}

/* Puts `length` bytes down in the font in use, or only measures them. Returns where they end. */
static double put(cairo_t *cairo, double x, double y, const char *text, size_t length, bool show) {
    cairo_scaled_font_t *font = cairo_get_scaled_font(cairo);
    cairo_text_extents_t extents = {0};
    cairo_glyph_t *glyphs = NULL;
    int count = 0;
    if (cairo_scaled_font_text_to_glyphs(font, x, y, text, (int)length, &glyphs, &count, NULL, NULL,
                                         NULL) != CAIRO_STATUS_SUCCESS)
        return x;
    cairo_scaled_font_glyph_extents(font, glyphs, count, &extents);
    if (show)
        cairo_show_glyphs(cairo, glyphs, count);
    cairo_glyph_free(glyphs);
    return x + extents.x_advance;
}

/* The bytes of the first character; 0 at the end, and where there is none. */
static size_t first(const char *text) {
    unsigned long code;
    return *text != '\0' ? utf8_decode(text, &code) : 0;
}

static size_t having(cairo_scaled_font_t *usual, const char *text) {
    size_t length = 0, next;
    while ((next = first(text + length)) > 0 && has(usual, text + length, next))
        length += next;
    return length;
}

/* From a character that the usual font lacks on, for as long as it does and the other does not. */
static size_t lacking(cairo_scaled_font_t *usual, cairo_scaled_font_t *other, const char *text) {
    size_t length = first(text), next;
    while ((next = first(text + length)) > 0 && !has(usual, text + length, next) &&
           has(other, text + length, next))
        length += next;
    return length;
}

/* Run by run; what is no UTF-8 ends it. Returns where it ends. */
static double letter(cairo_t *cairo, double x, double y, const char *text, bool show) {
    cairo_font_face_t *usual = cairo_font_face_reference(cairo_get_font_face(cairo));
    cairo_scaled_font_t *font = cairo_scaled_font_reference(cairo_get_scaled_font(cairo));
    unsigned long code;
    for (;;) {
        size_t length = having(font, text);
        if (length > 0)
            x = put(cairo, x, y, text, length, show);
        text += length;
        if (*text == '\0' || utf8_decode(text, &code) == 0)
            break;
        cairo_font_face_t *other = substitute_for(usual, code);
        if (other != NULL)
            cairo_set_font_face(cairo, other);
        length = lacking(font, cairo_get_scaled_font(cairo), text);
        x = put(cairo, x, y, text, length, show);
        text += length;
        cairo_set_font_face(cairo, usual);
        cairo_font_face_destroy(other);
    }
    cairo_scaled_font_destroy(font);
    cairo_font_face_destroy(usual);
    return x;
}

double lettering_width(cairo_t *cairo, const char *text) {
    return letter(cairo, 0, 0, text, false);
}

void lettering_show(cairo_t *cairo, double x, double y, const char *text) {
    letter(cairo, x, y, text, true);
}

char *lettering_fit(cairo_t *cairo, double width, const char *text) {
    size_t fits = 0, too_much = strlen(text);
    if (lettering_width(cairo, text) <= width) {
        char *copy = strdup(text);
        if (copy == NULL)
            shortage_note();
        return copy;
    }
    while (fits + 1 < too_much) {
        size_t middle = fits + (too_much - fits) / 2;
        char *shown = text_without_middle(text, middle);
        bool good = shown != NULL && lettering_width(cairo, shown) <= width;
        free(shown);
        *(good ? &fits : &too_much) = middle;
    }
    return text_without_middle(text, fits);
}
