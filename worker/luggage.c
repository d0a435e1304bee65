#include "worker/luggage.h"

#include "core/board.h"
#include "core/json.h"
#include "worker/evaluation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool luggage_send_checkpoint(struct courier *courier, const struct luggage_owner *owner,
                             const cJSON *report, struct error *error) {
    const struct parcel parcel = {
        .experiment = owner->experiment,
        .attempt = owner->attempt,
        .kind = json_member(report, "kind")->valuestring,
        .path = json_member(report, "path")->valuestring,
    };
    return courier_send(courier, &parcel, error);
}

/* Takes the path over; a file that is not there is none. */
static bool send_file(struct courier *courier, const struct luggage_owner *owner, char *path,
                      struct error *error) {
    const struct parcel parcel = {
        .experiment = owner->experiment, .attempt = owner->attempt, .kind = "file", .path = path};
    bool ok = path != NULL || error_memory(error);
    if (ok && (access(path, R_OK) == 0 || errno != ENOENT))
        ok = courier_send(courier, &parcel, error);
    free(path);
    return ok;
}

/* The scores of every picture that the evaluations left. */
static bool send_scores(struct courier *courier, const struct luggage_owner *owner,
                        const char *folder, struct error *error) {
    static const char *const checkpoints[] = {"best", "last"}, *const splits[] = {"valid", "test"};
    bool sent = true;
    for (size_t i = 0; i < 4 && sent; i++)
        sent = send_file(courier, owner,
                         evaluation_scores_path(folder, checkpoints[i / 2], splits[i % 2]), error);
    return sent;
}

bool luggage_send_rest(struct courier *courier, const struct luggage_owner *owner,
                       const char *folder, const char *name, struct error *error) {
    char *log = NULL, *boards = NULL;
    if (asprintf(&log, "%s/train.log", folder) < 0)
        log = NULL;
    if (asprintf(&boards, "%s/tensorboard", folder) < 0)
        boards = NULL;
    char *board = boards != NULL ? board_path(boards, name) : NULL;
    free(boards);
    bool sent = send_file(courier, owner, log, error);
    sent = send_file(courier, owner, board, sent ? error : NULL) && sent;
    return send_scores(courier, owner, folder, sent ? error : NULL) && sent;
}

enum luggage_end luggage_end(const struct luggage_state *state, int64_t *until_ms, int64_t now_ms) {
    bool away = !state->welcome && (state->leaving || state->may_idle);
    bool hurry = state->leaving || state->refused || away || !state->done;
    if (!state->counts || state->waiting == 0)
        return LUGGAGE_TELL;
    if (!hurry)
        *until_ms = 0;
    else if (*until_ms == 0)
        *until_ms = now_ms + LUGGAGE_PATIENCE_MS;
    bool late = hurry && (now_ms >= *until_ms || (state->leaving && !state->welcome));
    if (!late)
        return LUGGAGE_WAIT;
    return state->done && !state->refused ? LUGGAGE_GIVE_BACK : LUGGAGE_TELL;
}
