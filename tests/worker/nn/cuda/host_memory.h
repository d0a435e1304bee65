/* host_memory: the host device's memory, and copies that end when a GPU's would: what they bring is
 * there once it has been waited for, and memory that changes under them ends the test. */
#ifndef ASSAY_TESTS_WORKER_NN_CUDA_HOST_MEMORY_H
#define ASSAY_TESTS_WORKER_NN_CUDA_HOST_MEMORY_H

#include "worker/nn/cuda/device.h"

/* What a GPU would do to who breaks device.h's rules nobody would see here: it ends the test. */
void host_demand(bool holds, const char *what);
/* Copies spoil a recording; host_device.c's. */
void host_spoil(void);
/* A kernel with these arguments is carried out. */
void host_used(const void *arguments, size_t bytes);
/* The number of what is carried out now, and whether it is known to be over. */
size_t host_number(void);
bool host_is_over(size_t number);
/* Nothing is forked that was not joined; host_device.c's. */
void host_demand_joined(void);

/* As struct device has them; host_wait_for_all is its finish. */
bool host_allocate(struct device *device, size_t bytes, void **memory, struct error *error);
void host_release(struct device *device, void *memory);
size_t host_room(struct device *device);
size_t host_most(struct device *device);
bool host_pin(struct device *device, size_t bytes, void **memory, struct error *error);
void host_unpin(struct device *device, void *memory);
bool host_upload(struct device *device, void *to, const void *from, size_t bytes,
                 struct error *error);
bool host_upload_aside(struct device *device, void *to, const void *from, size_t bytes,
                       struct error *error);
bool host_join(struct device *device, struct error *error);
bool host_download(struct device *device, void *to, const void *from, size_t bytes,
                   struct error *error);
bool host_download_later(struct device *device, void *to, const void *from, size_t bytes,
                         struct error *error);
bool host_mark(struct device *device, int number, struct error *error);
bool host_wait(struct device *device, int number, struct error *error);
bool host_wait_for_all(struct device *device, struct error *error);

#endif
