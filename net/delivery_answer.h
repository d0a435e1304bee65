/* delivery_answer: what the coordinator says of a file that is offered or sent (docs/protocol.md).
 */
#ifndef ASSAY_NET_DELIVERY_ANSWER_H
#define ASSAY_NET_DELIVERY_ANSWER_H

#include "core/wire.h"
#include "net/delivery.h"

/* `have`, `want` and `sealing` as events; anything else, an `error` among it, is DELIVERY_LATER. */
struct delivery_event delivery_answer(const struct wire_message *message);

#endif
