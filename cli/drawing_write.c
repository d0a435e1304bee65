/* drawing_write: a drawing as a file of the kind that its path names. */
#include "cli/drawing_marks.h"

#include "cli/output.h"
#include "core/file.h"

bool drawing_takes(const char *path) {
    return output_is(path, ".png") || output_is(path, ".svg");
}

static bool svg_write(const struct drawing *drawing, const char *path, const char *title,
                      struct error *error) {
    struct text text = {0};
    drawing_svg(drawing, title, &text);
    text_add(&text, "\n", 1);
    bool written =
        text.failed ? error_memory(error) : file_write_atomic(path, text.data, text.length, error);
    text_free(&text);
    return written;
}

bool drawing_write(const struct drawing *drawing, const char *path, const char *title,
                   struct error *error) {
    if (drawing->failed)
        return error_memory(error);
    return output_is(path, ".png") ? drawing_png_write(drawing, path, error)
                                   : svg_write(drawing, path, title, error);
}
