/* In place of worker/nn/stem.c: a quarter of the channels, a sixteenth of the weights. For programs
 * whose tests are about how training is led, and not about what a network of the true width
 * computes.
 */
#include "worker/nn/network.h"

const int network_stem_channels = 16;
