#include "cli/report_page.h"

#include "core/resize.h"

#include <cairo.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The classes p-... are those of drawings (cli/drawing.h). */
static const char *const style =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1c1e24;--faint:#60646e;--hair:#dee0e5}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#16181d;--ink:#e6e7ea;--faint:#a0a4ae;"
    "--hair:#353942}.p-0{fill:#4aa8e0;stroke:#4aa8e0}.p-1{fill:#f08a3c;stroke:#f08a3c}"
    ".p-2{fill:#2fc79c;stroke:#2fc79c}.p-6{fill:#a8a8a8;stroke:#a8a8a8}}\n"
    ".p-paper,.p-hollow{fill:var(--paper)}.p-ink{fill:var(--ink)}.p-faint{fill:var(--faint)}\n"
    ".p-line{fill:none}.p-hair.p-line{stroke:var(--hair)}.p-faint.p-line{stroke:var(--faint)}\n"
    "svg text,svg rect{stroke:none}\n"
    "body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--paper);color:var(--ink);"
    "font:1rem/1.5 sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:1.7rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2.2rem 0 .5rem}\n"
    ".wide{overflow-x:auto;margin:.8rem 0}\n"
    "table{border-collapse:collapse;font-size:.9rem}caption{text-align:left;color:var(--faint)}\n"
    "th,td{text-align:left;padding:.25rem .9rem .25rem 0;border-bottom:1px solid var(--hair);"
    "overflow-wrap:normal;white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    "svg{max-width:100%;height:auto}.wide>svg{min-width:44rem}\n"
    ".figures{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;width:9rem}\n"
    "figure img{max-width:100%;display:block}figcaption{font-size:.8rem;color:var(--faint)}\n";

static void add_element(struct text *page, const char *tag, const char *words) {
    text_format(page, "<%s>", tag);
    drawing_escape(page, words);
    text_format(page, "</%s>", tag);
}

void report_page_begin(struct text *page, const char *title) {
    text_format(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    add_element(page, "title", title);
    text_format(page, "\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", style);
    add_element(page, "h1", title);
    text_add(page, "\n", 1);
}

void report_page_end(struct text *page) {
    text_format(page, "</main>\n</body>\n</html>\n");
}

void report_page_heading(struct text *page, const char *heading) {
    add_element(page, "h2", heading);
    text_add(page, "\n", 1);
}

void report_page_paragraph(struct text *page, const char *words) {
    add_element(page, "p", words);
    text_add(page, "\n", 1);
}

/* What scrolls can be reached by keyboard. */
static void begin_wide(struct text *page, const char *label) {
    text_format(page, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"");
    drawing_escape(page, label);
    text_format(page, "\">\n");
}

void report_page_table(struct text *page, const char *caption, const char *const *titles,
                       size_t count) {
    begin_wide(page, caption);
    text_format(page, "<table>\n");
    add_element(page, "caption", caption);
    text_format(page, "\n<thead><tr>");
    for (size_t i = 0; i < count; i++) {
        text_format(page, "<th scope=\"col\">");
        drawing_escape(page, titles[i]);
        text_format(page, "</th>");
    }
    text_format(page, "</tr></thead>\n<tbody>\n");
}

void report_page_row(struct text *page, const char *const *cells, size_t count) {
    text_format(page, "<tr>");
    for (size_t i = 0; i < count; i++)
        add_element(page, "td", cells[i]);
    text_format(page, "</tr>\n");
}

void report_page_table_end(struct text *page) {
    text_format(page, "</tbody>\n</table>\n</div>\n");
}

void report_page_drawing(struct text *page, const struct drawing *drawing, const char *alt) {
    begin_wide(page, alt);
    drawing_svg(drawing, alt, page);
    text_format(page, "\n</div>\n");
}

/* --- pictures --- */

static cairo_status_t take(void *closure, const unsigned char *data, unsigned int length) {
    text_add(closure, (const char *)data, length);
    return CAIRO_STATUS_SUCCESS;
}

static bool encode_png(const struct image *image, struct text *png) {
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, image->width, image->height);
    unsigned char *pixels = cairo_image_surface_get_data(surface);
    if (pixels != NULL) {
        size_t stride = (size_t)cairo_image_surface_get_stride(surface);
        const uint8_t *from = image->pixels;
        for (size_t y = 0; y < (size_t)image->height; y++)
            for (size_t x = 0; x < (size_t)image->width; x++, from += 3) {
                uint32_t pixel = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
                memcpy(pixels + y * stride + 4 * x, &pixel, sizeof pixel);
            }
        cairo_surface_mark_dirty(surface);
    }
    bool good = cairo_surface_write_to_png_stream(surface, take, png) == CAIRO_STATUS_SUCCESS;
    cairo_surface_destroy(surface);
    return good && !png->failed;
}

static bool add_base64(struct text *page, const struct text *bytes) {
    unsigned char *encoded = malloc(4 * (bytes->length + 2) / 3 + 4);
    if (encoded == NULL)
        return false;
    int length = EVP_EncodeBlock(encoded, (const unsigned char *)bytes->data, (int)bytes->length);
    text_add(page, (const char *)encoded, (size_t)length);
    free(encoded);
    return true;
}

void report_page_figures(struct text *page) {
    text_format(page, "<div class=\"figures\">\n");
}

void report_page_figures_end(struct text *page) {
    text_format(page, "</div>\n");
}

bool report_page_picture(struct text *page, const struct image *image, int side, const char *alt,
                         const char *caption) {
    struct image small = {0};
    struct text png = {0};
    int longer = image->width > image->height ? image->width : image->height;
    int width = (int)((int64_t)image->width * side / longer);
    int height = (int)((int64_t)image->height * side / longer);
    bool good =
        resize_bilinear(image, width > 0 ? width : 1, height > 0 ? height : 1, &small, NULL) &&
        encode_png(&small, &png);
    if (good) {
        text_format(page, "<figure><img alt=\"");
        drawing_escape(page, alt);
        text_format(page, "\" width=\"%d\" height=\"%d\" src=\"data:image/png;base64,", small.width,
                    small.height);
        good = add_base64(page, &png);
        text_format(page, "\">");
        add_element(page, "figcaption", caption);
        text_format(page, "</figure>\n");
    }
    text_free(&png);
    image_free(&small);
    return good;
}
