#include "worker/nn/network.h"

const int network_stem_channels = 64;
