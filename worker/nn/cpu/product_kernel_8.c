/* product_kernel for blocks of 8 channels. */
#define LANES_BLOCK 8
#include "worker/nn/cpu/product_loops.h"
