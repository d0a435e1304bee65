/* safetensors: named tensors in one file, as https://github.com/huggingface/safetensors defines it:
 * u64 little-endian header length, JSON header, then the data; "__metadata__" maps strings to
 * strings.
 */
#ifndef ASSAY_CORE_SAFETENSORS_H
#define ASSAY_CORE_SAFETENSORS_H

#include "core/error.h"
#include "core/tensor.h"

#include <stddef.h>

enum {
    SAFETENSORS_LENGTH_BYTES = 8,      /* of the header's length, which a file begins with */
    SAFETENSORS_HEADER_MAX = 100000000 /* the reference implementation's */
};

struct safetensors; /* an open file; owns names and data */

/* Reads the file, whose whole header is checked before memory is taken for the data: length, JSON,
 * types, shapes, offsets inside the file, in order, without holes or overlap. Broken files are
 * ERROR_INPUT and named. The file may be changed, cut short or removed behind this. */
bool safetensors_open(const char *path, struct safetensors **file, struct error *error);
/* The same without the data: that of every tensor is NULL. */
bool safetensors_open_head(const char *path, struct safetensors **file, struct error *error);
/* The same for a file that already is in memory: takes over `content` (from malloc, `bytes` long,
 * at least SAFETENSORS_LENGTH_BYTES), also on failure. `name` is what errors call it. */
bool safetensors_adopt(const char *name, void *content, size_t bytes, struct safetensors **file,
                       struct error *error);
void safetensors_close(struct safetensors *file); /* NULL is fine */
size_t safetensors_size(const struct safetensors *file);
const struct tensor *safetensors_at(const struct safetensors *file, size_t index);
const struct tensor *safetensors_find(const struct safetensors *file,
                                      const char *name);                           /* or NULL */
const char *safetensors_metadata(const struct safetensors *file, const char *key); /* or NULL */
/* Leaves out the beginning that the names of all tensors have. No name is cut unless all are. False
 * when none was. */
bool safetensors_drop_prefix(struct safetensors *file, const char *prefix);

struct metadata {
    const char *key, *value;
};

/* The file's metadata in its order: how many, and the one at `index`, borrowed. */
size_t safetensors_metadata_size(const struct safetensors *file);
const struct metadata *safetensors_metadata_at(const struct safetensors *file, size_t index);

/* --- writing (core/safetensors_write.c) --- */

/* Adds what a file of these tensors begins with, length and header; their data follow it in their
 * order. What `head` had before is none. */
void safetensors_head(const struct tensor *tensors, size_t count, const struct metadata *metadata,
                      size_t metadata_count, struct text *head);

/* Writes atomically (temporary name, fsync, rename, fsync of the folder). Data is laid out in the
 * order given and starts 8-byte aligned; the same tensors and metadata give the same bytes. */
bool safetensors_write(const char *path, const struct tensor *tensors, size_t count,
                       const struct metadata *metadata, size_t metadata_count, struct error *error);

/* Hands over the data of tensors[index] (its `bytes`), valid until the next call. */
typedef bool tensor_source(void *context, size_t index, const void **data, struct error *error);

/* The same, with the data asked for one tensor at a time, in order, instead of taken from
 * tensors[].data: a checkpoint need not stand in memory a second time. */
bool safetensors_write_from(const char *path, const struct tensor *tensors, size_t count,
                            const struct metadata *metadata, size_t metadata_count,
                            tensor_source *source, void *context, struct error *error);

#endif
