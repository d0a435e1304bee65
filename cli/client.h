/* client: questions to the coordinator, as commands ask them.
 *
 * Every request of the protocol has the effect of one however often it is sent, so a question that
 * gets no answer is asked once more before the coordinator counts as away; both together take no
 * longer than --timeout.
 */
#ifndef ASSAY_CLI_CLIENT_H
#define ASSAY_CLI_CLIENT_H

#include "cli/command.h"
#include "compare/source.h"
#include "net/dealer.h"

struct client {
    struct dealer *dealer;
    int timeout_ms;
};

/* With the endpoint, keys and timeout of the command line. Close with client_close (a zeroed one is
 * fine). */
bool client_open(const struct command_input *input, struct client *client, struct error *error);
void client_close(struct client *client);

/* Sends `name` with `body` (taken over, also on failure; NULL is {}) and waits for `expected`. The
 * caller frees *answer. */
bool client_ask(struct client *client, const char *name, cJSON *body, const char *expected,
                cJSON **answer, struct error *error);

/* One question on a connection of its own. */
bool client_ask_once(const struct command_input *input, const char *name, cJSON *body,
                     const char *expected, cJSON **answer, struct error *error);

/* How far the coordinator's clock is ahead of ours, by its answer to `status` that has just come; 0
 * of NULL. */
double client_ahead_ms(const cJSON *status);
/* What the coordinator's clock says, Unix ms: what ages of the times in its answers are reckoned
 * by, because this machine's clock may be another. This machine's where it cannot be asked. */
double client_now_ms(struct client *client);

/* The body that names experiments: words are ids, or one of them is a group; no words: all of them.
 * NULL when they are neither (ERROR_INPUT). */
cJSON *client_selection(char **words, size_t count, struct error *error);

/* The same for people's words: each is an id, a group or an experiment's name ("demo/seed=0"; of
 * several of one name the newest). Each id comes once. ERROR_INPUT where there is none such. */
cJSON *client_resolve(struct client *client, char **words, size_t count, struct error *error);
/* The id of the one experiment that a word names; ERROR_INPUT when it names several. */
bool client_resolve_one(struct client *client, char *word, long long *id, struct error *error);

/* Who is asked, for what both assay and the live page ask (compare/). Borrows the client. */
struct source client_source(struct client *client);

/* source_pages of the client. */
bool client_pages(struct client *client, const char *question, const cJSON *selection,
                  source_page *take, void *context, struct error *error);

/* Asks `list` or `show` for a selection (taken over), page by page; the caller frees the array. An
 * id that is not there, or a group without experiments, is ERROR_INPUT. */
bool client_experiments(struct client *client, const char *question, cJSON *selection,
                        cJSON **experiments, struct error *error);

/* That everything asked for is among the experiments; ERROR_INPUT says what is not. */
bool client_all_there(const cJSON *selection, const cJSON *experiments, struct error *error);

/* A random key for a request that makes something: sent twice, it makes it once. */
enum { CLIENT_KEY_SIZE = 33 };
bool client_key(char key[static CLIENT_KEY_SIZE], struct error *error);

/* Warns where the experiment's history has the last of its epochs alone: of a long run the
 * coordinator answers no more (docs/protocol.md). */
void client_tell_cut(const cJSON *experiment);
/* {"ids": [id]} of one experiment, which the caller frees. */
cJSON *client_one(double id);
/* {"ids": [...]} of the experiments, which the caller frees. */
cJSON *client_ids(const cJSON *experiments);
/* {"ids": [...]} of the experiments that are not finished, which the caller frees; NULL, with no
 * error, when there is none. */
cJSON *client_unfinished(struct client *client, struct error *error);

/* What most commands begin with: opens the client and asks for what the arguments name, cleaned for
 * people (field_clean) without --json. The caller frees the array and closes the client, also on
 * failure. */
bool client_look(const struct command_input *input, const char *question, struct client *client,
                 cJSON **experiments, struct error *error);
/* The same as it is, for who follows the paths in it. */
bool client_take(const struct command_input *input, const char *question, struct client *client,
                 cJSON **experiments, struct error *error);
/* That for the one experiment that the first argument names; its id goes into *id. */
bool client_look_one(const struct command_input *input, const char *question, struct client *client,
                     long long *id, cJSON **experiments, struct error *error);

#endif
