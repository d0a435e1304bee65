/* files: what the requests that carry files have in common (files.c, push.c). */
#ifndef ASSAY_COORDINATOR_FILES_H
#define ASSAY_COORDINATOR_FILES_H

#include "coordinator/desk.h"
#include "coordinator/uploads.h"

/* Each refuses the request, and returns false, when it does not hold: files are kept here; this is
 * a SHA-256; a file may be so large. */
bool files_check_store(struct request *request);
bool files_check_sum(struct request *request, const char *sha256);
bool files_check_bytes(struct request *request, int64_t bytes);

/* How many files a request looks at before it leaves the folders that follow (BLOBS_FOLDERS) to the
 * next one, which says where it begins (`from`): the loop has others to serve. */
enum { FILES_LOOK_MOST = 4096 };

/* What an offer or a piece is answered with. `why`: of UPLOAD_REFUSED. */
bool files_answer_state(struct request *request, enum upload_state state, int64_t offset,
                        const struct error *why);

#endif
