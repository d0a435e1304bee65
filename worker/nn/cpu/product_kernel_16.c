/* product_kernel for blocks of 16 channels. */
#define LANES_BLOCK 16
#include "worker/nn/cpu/product_loops.h"
