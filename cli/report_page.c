#include "cli/report_page.h"

#include "core/heat.h"
#include "core/resize.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>

enum { CELL_SIDE = 112 }; /* pixels; shown on 96 */
static const float QUALITY = 80;

/* The classes p-... are those of drawings (cli/drawing.h). */
static const char *const style =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1c1e24;--faint:#60646e;--hair:#dee0e5;"
    "--raised:#f4f5f7;--accent:#0072b2}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#16181d;--ink:#e6e7ea;--faint:#a0a4ae;"
    "--hair:#353942;--raised:#1f2229;--accent:#4aa8e0}.p-0{fill:#4aa8e0;stroke:#4aa8e0}"
    ".p-1{fill:#f08a3c;stroke:#f08a3c}"
    ".p-2{fill:#2fc79c;stroke:#2fc79c}.p-5{fill:#b39ddb;stroke:#b39ddb}"
    ".p-6{fill:#a8a8a8;stroke:#a8a8a8}}\n"
    ".p-paper,.p-hollow{fill:var(--paper)}.p-ink{fill:var(--ink)}.p-faint{fill:var(--faint)}\n"
    ".p-line{fill:none}.p-hair.p-line{stroke:var(--hair)}.p-faint.p-line{stroke:var(--faint)}\n"
    "text[class],rect[class]{stroke:none}\n"
    "body{margin:0 auto;max-width:75rem;padding:1.5rem 1rem 3rem;background:var(--paper);"
    "color:var(--ink);font:1rem/1.5 sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:1.8rem;line-height:1.2;margin:0}h2{font-size:1.25rem;margin:2.6rem 0 .5rem}"
    "h3{font-size:1rem;margin:1.4rem 0 .3rem}p{margin:.5rem 0;max-width:48rem}\n"
    ".about,.note,caption,small,figcaption{color:var(--faint)}.about{margin:.2rem 0 1.2rem}\n"
    ".verdict{border-left:.25rem solid var(--accent);background:var(--raised);"
    "padding:.7rem 1rem;font-size:1.05rem}\n"
    "blockquote{margin:0}.quote{border-left:.25rem solid var(--hair);"
    "padding-left:1rem;margin:.9rem 0;max-width:48rem}\n"
    ".wide{overflow-x:auto;margin:.8rem 0}:focus-visible{outline:2px solid var(--accent);"
    "outline-offset:2px}\n"
    "table{border-collapse:collapse;font-size:.9rem}caption{text-align:left}\n"
    "th,td{text-align:left;padding:.3rem .9rem .3rem 0;border-bottom:1px solid var(--hair);"
    "overflow-wrap:normal;white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    "svg{max-width:100%;height:auto;display:block}.wide>svg{min-width:44rem;margin-left:-3%}\n"
    "img{display:block;max-width:100%;height:auto;border-radius:2px}\n"
    ".sheet th{vertical-align:bottom;white-space:normal}.sheet th,.sheet td{padding:.2rem;"
    "border:0}.sheet [scope=colgroup]{color:var(--faint);border-bottom:1px solid "
    "var(--hair)}.sheet tbody th{vertical-align:middle;width:9rem;padding:0 1rem 0 0}\n"
    ".sheet small{display:block;font-weight:normal;overflow-wrap:anywhere}"
    ".sheet .first{padding-left:1.2rem}.sheet img{width:6rem;max-width:none}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(17rem,100%),1fr));"
    "gap:1.2rem 1.4rem;margin:1rem 0}figure{margin:0}\n"
    "figure>div{display:grid;grid-template-columns:1fr 1fr;gap:.3rem;max-width:24rem}"
    "figure img{width:100%;aspect-ratio:1;object-fit:contain;background:var(--raised)}\n"
    "figcaption{font-size:.85rem;line-height:1.4;margin-top:.3rem}figcaption b{color:var(--ink)}\n"
    ".key{white-space:nowrap}.heat{display:inline-block;width:7rem;height:.7em;border-radius:2px;"
    "margin:0 .4rem}\n";

static void add_element(struct text *page, const char *tag, const char *words) {
    text_format(page, "<%s>", tag);
    drawing_escape(page, words);
    text_format(page, "</%s>", tag);
}

static void add_paragraph(struct text *page, const char *class, const char *words) {
    text_format(page, "<p%s%s%s>", class != NULL ? " class=\"" : "", class != NULL ? class : "",
                class != NULL ? "\"" : "");
    drawing_escape(page, words);
    text_format(page, "</p>\n");
}

void report_page_begin(struct text *page, const char *title) {
    text_format(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    add_element(page, "title", title);
    text_format(page, "\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", style);
    add_element(page, "h1", title);
    text_add(page, "\n", 1);
}

void report_page_about(struct text *page, const char *words) {
    add_paragraph(page, "about", words);
}

void report_page_verdict(struct text *page, const char *words) {
    add_paragraph(page, "verdict", words);
}

void report_page_end(struct text *page) {
    text_format(page, "</main>\n</body>\n</html>\n");
}

void report_page_heading(struct text *page, const char *heading) {
    add_element(page, "h2", heading);
    text_add(page, "\n", 1);
}

void report_page_subheading(struct text *page, const char *heading) {
    add_element(page, "h3", heading);
    text_add(page, "\n", 1);
}

void report_page_note(struct text *page, const char *words) {
    add_paragraph(page, "note", words);
}

void report_page_paragraph(struct text *page, const char *words) {
    add_paragraph(page, NULL, words);
}

void report_page_quote(struct text *page, const char *words, const char *from) {
    char *copy = strdup(words), *rest = copy;
    const char *line, *before = "<figure class=\"quote\"><blockquote>";
    page->failed = page->failed || copy == NULL;
    while ((line = strsep(&rest, "\n")) != NULL) {
        text_format(page, "%s", before);
        drawing_escape(page, line);
        before = "<br>";
    }
    free(copy);
    text_format(page, "</blockquote>");
    add_element(page, "figcaption", from);
    text_format(page, "</figure>\n");
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

/* Shrinks what is larger than `side` pixels; browsers enlarge the rest. */
static bool shrink(const struct image *image, int side, struct image *small) {
    int longer = image->width > image->height ? image->width : image->height;
    side = longer < side ? longer : side;
    int width = (int)((int64_t)image->width * side / longer);
    int height = (int)((int64_t)image->height * side / longer);
    return resize_bilinear(image, width > 0 ? width : 1, height > 0 ? height : 1, small, NULL);
}

static bool add_base64(struct text *page, const uint8_t *bytes, size_t length) {
    unsigned char *encoded = malloc(4 * (length + 2) / 3 + 4);
    if (encoded == NULL)
        return false;
    int written = EVP_EncodeBlock(encoded, bytes, (int)length);
    text_add(page, (const char *)encoded, (size_t)written);
    free(encoded);
    return true;
}

bool report_page_image(struct text *page, const struct image *image, int side, const char *alt) {
    struct image small = {0};
    uint8_t *webp = NULL;
    size_t length = 0;
    if (shrink(image, side, &small))
        length =
            WebPEncodeRGB(small.pixels, small.width, small.height, 3 * small.width, QUALITY, &webp);
    bool good = length > 0;
    if (good) {
        text_format(page, "<img alt=\"");
        drawing_escape(page, alt);
        text_format(page, "\" width=\"%d\" height=\"%d\" src=\"data:image/webp;base64,",
                    small.width, small.height);
        good = add_base64(page, webp, length);
        text_format(page, "\">");
    }
    page->failed = page->failed || !good;
    WebPFree(webp);
    image_free(&small);
    return good;
}

void report_page_figures(struct text *page) {
    text_format(page, "<div class=\"figures\">\n");
}

void report_page_figures_end(struct text *page) {
    text_format(page, "</div>\n");
}

void report_page_figure(struct text *page) {
    text_format(page, "<figure><div>");
}

void report_page_figure_end(struct text *page, const char *name, const char *words) {
    text_format(page, "</div><figcaption>");
    add_element(page, "b", name);
    text_format(page, "<br>");
    drawing_escape(page, words);
    text_format(page, "</figcaption></figure>\n");
}

void report_page_heat(struct text *page, const char *before, const char *least, const char *most) {
    text_format(page, "<p class=\"note\">");
    drawing_escape(page, before);
    text_format(
        page,
        " <span class=\"key\">%s<span class=\"heat\" style=\"background:linear-gradient(to right",
        least);
    for (size_t i = 0; i < HEAT_STOPS; i++)
        text_format(page, ",#%02x%02x%02x", heat_stops[i][0], heat_stops[i][1], heat_stops[i][2]);
    text_format(page, ")\"></span>%s</span></p>\n", most);
}

/* --- contact sheets --- */

/* An op's name, which may be broken after each underscore. */
static void add_name(struct text *page, const char *name) {
    for (const char *at = name; *at != '\0'; at++)
        text_format(page, *at == '_' ? "_<wbr>" : "%c", *at);
}

static size_t columns_of(const struct sheet_column *columns, size_t count, size_t first,
                         bool block) {
    size_t end = first + 1;
    while (end < count && columns[end].block == NULL && (block || columns[end].title == NULL))
        end++;
    return end - first;
}

void report_page_sheet(struct text *page, const char *label, const struct sheet_column *columns,
                       size_t count) {
    begin_wide(page, label);
    text_format(page, "<table class=\"sheet\" aria-label=\"");
    drawing_escape(page, label);
    text_format(page, "\">\n<thead>\n<tr><td></td>");
    for (size_t i = 0; i < count; i++) {
        if (columns[i].block == NULL)
            continue;
        text_format(page, "<th scope=\"colgroup\"%s colspan=\"%zu\">",
                    i > 0 ? " class=\"first\"" : "", columns_of(columns, count, i, true));
        drawing_escape(page, columns[i].block);
        text_format(page, "</th>");
    }
    text_format(page, "</tr>\n<tr><td></td>");
    for (size_t i = 0; i < count; i++) {
        if (columns[i].title == NULL)
            continue;
        bool first = columns[i].block != NULL && i > 0;
        text_format(page, "<th scope=\"col\"%s colspan=\"%zu\">", first ? " class=\"first\"" : "",
                    columns_of(columns, count, i, false));
        add_name(page, columns[i].title);
        add_element(page, "small", columns[i].detail);
        text_format(page, "</th>");
    }
    text_format(page, "</tr>\n</thead>\n<tbody>\n");
}

void report_page_sheet_row(struct text *page, const char *name, const char *detail) {
    text_format(page, "<tr><th scope=\"row\">");
    drawing_escape(page, name);
    add_element(page, "small", detail);
    text_format(page, "</th>");
}

bool report_page_sheet_cell(struct text *page, bool first, const struct image *image,
                            const char *alt) {
    text_format(page, first ? "<td class=\"first\">" : "<td>");
    bool good = report_page_image(page, image, CELL_SIDE, alt);
    text_format(page, "</td>");
    return good;
}

void report_page_sheet_row_end(struct text *page) {
    text_format(page, "</tr>\n");
}
