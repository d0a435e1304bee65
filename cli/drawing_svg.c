/* drawing_svg: a drawing as SVG 1.1 elements, words as words. */
#include "cli/drawing_marks.h"

#include "cli/lettering.h"

#include <string.h>

/* Whether XML has no place for the character (Extensible Markup Language 1.0, 2.2), beside what
 * text_controls. */
static bool is_none_of_xml(unsigned long code) {
    return code == 0xfffe || code == 0xffff;
}

void drawing_escape(struct text *text, const char *string) {
    static const char special[] = "&<>\"";
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;"};
    for (size_t length; *string != '\0'; string += length > 0 ? length : 1) {
        unsigned long code;
        length = utf8_decode(string, &code);
        const char *found = strchr(special, *string);
        if (found != NULL)
            text_add(text, entities[found - special], strlen(entities[found - special]));
        else if (*string == '\t')
            text_add(text, " ", 1);
        else if (length > 0 && !text_controls(code) && !is_none_of_xml(code))
            text_add(text, string, length);
    }
}

static void add_colour(struct text *text, const char *what, enum tint tint) {
    const struct tint_colour *colour = &tint_colours[tint];
    text_format(text, " %s=\"#%02x%02x%02x\"", what, colour->red, colour->green, colour->blue);
}

/* Filled shapes and words have the class of their tint, lines that and p-line. */
static void add_stroke(struct text *text, const struct pen *pen) {
    const double *lengths = dash_lengths[pen->dash];
    add_colour(text, "stroke", pen->tint);
    text_format(text, " stroke-width=\"%g\"", pen->width);
    if (pen->opacity < 1)
        text_format(text, " stroke-opacity=\"%g\"", pen->opacity);
    for (size_t i = 0; lengths[i] > 0; i++)
        text_format(text, "%s%g%s", i == 0 ? " stroke-dasharray=\"" : " ", lengths[i],
                    lengths[i + 1] > 0 ? "" : "\"");
}

static void add_line(struct text *text, const struct mark *mark) {
    text_format(text, "<polyline class=\"%s p-line\" fill=\"none\" stroke-linejoin=\"round\"",
                tint_colours[mark->pen.tint].class);
    add_stroke(text, &mark->pen);
    for (size_t i = 0; i < mark->count; i++)
        text_format(text, "%s%.2f,%.2f", i == 0 ? " points=\"" : " ", mark->points[i].x,
                    mark->points[i].y);
    text_format(text, "\"/>\n");
}

static void add_box(struct text *text, const struct mark *mark) {
    text_format(text, "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"",
                tint_colours[mark->pen.tint].class, mark->x, mark->y, mark->width, mark->height);
    add_colour(text, "fill", mark->pen.tint);
    if (mark->pen.opacity < 1)
        text_format(text, " fill-opacity=\"%g\"", mark->pen.opacity);
    text_format(text, "/>\n");
}

static void add_dot(struct text *text, const struct mark *mark) {
    text_format(text, "<circle class=\"%s%s\" cx=\"%.2f\" cy=\"%.2f\" r=\"%g\"",
                tint_colours[mark->pen.tint].class, mark->hollow ? " p-hollow" : "", mark->x,
                mark->y, mark->width);
    add_colour(text, "fill", mark->hollow ? TINT_PAPER : mark->pen.tint);
    if (mark->hollow)
        add_stroke(text, &mark->pen);
    text_format(text, "/>\n");
}

static void add_words(struct text *text, const struct mark *mark) {
    static const char *const anchors[] = {"start", "middle", "end"};
    const struct words *words = &mark->words;
    text_format(text, "<text class=\"%s\" x=\"%.2f\" y=\"%.2f\" font-size=\"%g\"",
                tint_colours[words->tint].class, mark->x, mark->y, words->size);
    add_colour(text, "fill", words->tint);
    if (words->anchor != ANCHOR_START)
        text_format(text, " text-anchor=\"%s\"", anchors[words->anchor]);
    if (words->bold)
        text_format(text, " font-weight=\"bold\"");
    if (words->turned)
        text_format(text, " transform=\"rotate(-90 %.2f %.2f)\"", mark->x, mark->y);
    text_add(text, ">", 1);
    drawing_escape(text, mark->text);
    text_format(text, "</text>\n");
}

void drawing_svg(const struct drawing *drawing, const char *title, struct text *text) {
    text_format(text,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%.0f\" "
                "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"" LETTERING_FONT "\">\n",
                drawing->width, drawing->height, drawing->width, drawing->height);
    text_format(text, "<title>");
    drawing_escape(text, title);
    text_format(text, "</title>\n<rect class=\"p-paper\" width=\"100%%\" height=\"100%%\"");
    add_colour(text, "fill", TINT_PAPER);
    text_format(text, "/>\n");
    for (size_t i = 0; i < drawing->count; i++) {
        const struct mark *mark = &drawing->marks[i];
        switch (mark->kind) {
        case MARK_LINE: add_line(text, mark); break;
        case MARK_BOX: add_box(text, mark); break;
        case MARK_DOT: add_dot(text, mark); break;
        case MARK_WORDS: add_words(text, mark); break;
        }
    }
    text_format(text, "</svg>");
    text->failed = text->failed || drawing->failed;
}
