/* cross_entropy: the loss of one picture and its gradient, on the CPU and on the GPU alike. */
#ifndef ASSAY_WORKER_NN_CROSS_ENTROPY_H
#define ASSAY_WORKER_NN_CROSS_ENTROPY_H

#include "core/experiment.h"
#include "core/portable.h"

#include <math.h>
#include <stdint.h>

/* Softmax, weighted and smoothed as torch.nn.CrossEntropyLoss has it, in double. `weights`: the sum
 * of the weights of the batch's labels. gradient (NULL or 2): of the training loss. */
PORTABLE float cross_entropy_row(const struct loss *loss, double weights, const float logits[2],
                                 int32_t label, float *gradient) {
    double z0 = (double)logits[0], z1 = (double)logits[1];
    double highest = z0 > z1 ? z0 : z1;
    double sum = exp(z0 - highest) + exp(z1 - highest), shares[2];
    for (int i = 0; i < 2; i++) /* what the loss wants of -log p of each class */
        shares[i] = loss->class_weights[i] *
                    ((i == label ? 1 - loss->label_smoothing : 0) + loss->label_smoothing / 2);
    for (int i = 0; gradient != NULL && i < 2; i++) {
        double softmax = exp((i == 0 ? z0 : z1) - highest) / sum;
        gradient[i] = (float)((softmax * (shares[0] + shares[1]) - shares[i]) / weights);
    }
    return (float)(shares[0] * (log(sum) + highest - z0) + shares[1] * (log(sum) + highest - z1));
}

#endif
