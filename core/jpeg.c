/* jpeg: libjpeg-turbo behind image.h's jpeg_decode, with the settings of Pillow 9.4's JpegDecode.c:
 * the slow integer DCT, fancy upsampling and block smoothing (the library's defaults), CMYK taken
 * as Adobe writes it, inverted.
 *
 * As in Pillow a file that ends before its last row is an error, one that ends after it is not, one
 * that goes on with what cannot stand there is, and what the library merely warns of is a picture.
 * So the source below never makes up an end: when the bytes run out the library suspends, and that
 * is how we know.
 *
 * libjpeg reports errors with longjmp. Everything that changes while it works is in struct decoder,
 * which the caller of setjmp owns and reaches through a pointer; memory for a row is the library's
 * own, freed by jpeg_destroy_decompress.
 */
#include "core/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h> /* after jpeglib.h: which codes there are depends on its version */

/* Encoders write about ten scans; thousands in a small file only burn time. */
enum { SCANS_MAX = 500 };

struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    size_t length;
    struct image *image;
    char message[JMSG_LENGTH_MAX];
    struct error error;
};

static void on_error(j_common_ptr jpeg) {
    struct decoder *decoder = jpeg->client_data;
    jpeg->err->format_message(jpeg, decoder->message);
    longjmp(decoder->jump, 1);
}

static void on_output(j_common_ptr jpeg) {
    (void)jpeg;
}

static void on_progress(j_common_ptr jpeg) {
    struct decoder *decoder = jpeg->client_data;
    if (decoder->jpeg.input_scan_number <= SCANS_MAX)
        return;
    snprintf(decoder->message, sizeof decoder->message, "more than %d scans", SCANS_MAX);
    longjmp(decoder->jump, 1);
}

static void on_source(j_decompress_ptr jpeg) {
    (void)jpeg;
}

static boolean on_empty(j_decompress_ptr jpeg) {
    (void)jpeg;
    return FALSE;
}

static void on_skip(j_decompress_ptr jpeg, long count) {
    struct jpeg_source_mgr *source = jpeg->src;
    size_t skipped = count > 0 ? (size_t)count : 0;
    if (skipped > source->bytes_in_buffer)
        skipped = source->bytes_in_buffer;
    source->next_input_byte += skipped;
    source->bytes_in_buffer -= skipped;
}

static bool ends_too_early(struct decoder *decoder) {
    return error_set(&decoder->error, ERROR_INPUT,
                     "damaged JPEG: the file ends too early; restore the file or remove it");
}

/* Refuses sizes that the file cannot hold or that would take unreasonable memory. A Huffman code
 * is a bit at least, and every block of 8 x 8 has one. */
static bool check_size(struct decoder *decoder) {
    const struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    uint64_t blocks = 0;
    if (!image_check_claim(jpeg->image_width, jpeg->image_height, &decoder->error))
        return false;
    for (int i = 0; i < jpeg->num_components; i++)
        blocks +=
            (uint64_t)jpeg->comp_info[i].width_in_blocks * jpeg->comp_info[i].height_in_blocks;
    if (jpeg->arith_code || blocks / 8 <= decoder->length)
        return true;
    return error_set(&decoder->error, ERROR_INPUT,
                     "damaged JPEG: it claims %u x %u pixels, more than its %zu bytes can hold; "
                     "restore the file or remove it",
                     jpeg->image_width, jpeg->image_height, decoder->length);
}

static bool ask_for_rgb(struct decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    switch (jpeg->num_components) {
    case 1: jpeg->out_color_space = JCS_GRAYSCALE; return true;
    case 3: jpeg->out_color_space = JCS_RGB; return true;
    case 4: jpeg->out_color_space = JCS_CMYK; return true;
    default:
        return error_set(&decoder->error, ERROR_INPUT,
                         "a JPEG of %d colour components; convert it or remove it",
                         jpeg->num_components);
    }
}

/* Grey at the start of an RGB row becomes RGB, from the right. */
static void spread_grey(uint8_t *row, size_t width) {
    for (size_t x = width; x-- > 0;)
        row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = row[x];
}

/* a * b / 255, rounded (Pillow's MULDIV255). */
static int multiply(int a, int b) {
    int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

/* Pillow's cmyk2rgb of the inverted bytes. */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, size_t width) {
    for (size_t x = 0; x < width; x++) {
        int black = cmyk[4 * x + 3];
        for (size_t c = 0; c < 3; c++) {
            int value = black - multiply(255 - cmyk[4 * x + c], black);
            rgb[3 * x + c] = (uint8_t)(value > 0 ? value : 0);
        }
    }
}

static bool read_rows(struct decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    struct image *image = decoder->image;
    size_t width = (size_t)image->width;
    bool cmyk = jpeg->out_color_space == JCS_CMYK;
    JSAMPROW own = cmyk ? jpeg->mem->alloc_large((j_common_ptr)jpeg, JPOOL_IMAGE, 4 * width) : NULL;
    for (int y = 0; y < image->height; y++) {
        JSAMPROW rgb = image->pixels + 3 * (size_t)y * width, row = cmyk ? own : rgb;
        if (jpeg_read_scanlines(jpeg, &row, 1) != 1)
            return ends_too_early(decoder);
        if (cmyk)
            cmyk_to_rgb(own, rgb, width);
        else if (jpeg->out_color_space == JCS_GRAYSCALE)
            spread_grey(rgb, width);
    }
    return true;
}

/* Everything that can longjmp. */
static bool decode(struct decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    if (setjmp(decoder->jump))
        return decoder->errors.msg_code == JERR_OUT_OF_MEMORY
                   ? error_machine(&decoder->error, "no memory to read a JPEG")
                   : error_set(&decoder->error, ERROR_INPUT,
                               "damaged JPEG: %s; restore the file or remove it", decoder->message);
    jpeg_create_decompress(jpeg);
    jpeg->src = &decoder->source;
    jpeg->progress = &decoder->progress;
    if (jpeg_read_header(jpeg, TRUE) != JPEG_HEADER_OK)
        return ends_too_early(decoder);
    if (!check_size(decoder) || !ask_for_rgb(decoder))
        return false;
    if (!jpeg_start_decompress(jpeg))
        return ends_too_early(decoder);
    if (!image_new(decoder->image, (int)jpeg->output_width, (int)jpeg->output_height,
                   &decoder->error) ||
        !read_rows(decoder))
        return false;
    /* Reads on to the end: markers that cannot stand there are errors, an end that is missing is
     * none. */
    jpeg_finish_decompress(jpeg);
    return true;
}

bool jpeg_decode(const uint8_t *data, size_t length, const char *name, struct image *image,
                 struct error *error) {
    struct decoder decoder = {.length = length, .image = image};
    *image = (struct image){0};
    decoder.jpeg.err = jpeg_std_error(&decoder.errors);
    decoder.jpeg.client_data = &decoder;
    decoder.errors.error_exit = on_error;
    decoder.errors.output_message = on_output;
    decoder.progress.progress_monitor = on_progress;
    decoder.source = (struct jpeg_source_mgr){.next_input_byte = data,
                                              .bytes_in_buffer = length,
                                              .init_source = on_source,
                                              .fill_input_buffer = on_empty,
                                              .skip_input_data = on_skip,
                                              .resync_to_restart = jpeg_resync_to_restart,
                                              .term_source = on_source};
    bool done = decode(&decoder);
    jpeg_destroy_decompress(&decoder.jpeg);
    if (!done) {
        image_free(image);
        error_context(&decoder.error, "%s", name);
        if (error != NULL)
            *error = decoder.error;
    }
    return done;
}
