/* assay gc: clears the coordinator's artifacts of what nobody needs. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/waiting.h"
#include "core/format.h"

enum { KEY_DRY_RUN = 'n', KEY_KEEP_EVERY = 'k', KEY_UNUSED = 'u', EVERY_MOST = 1000000 };

struct gc_options {
    bool dry_run, unused_data;
    long long keep_every; /* negative: all */
};

static const struct argp_option options[] = {
    {"dry-run", KEY_DRY_RUN, NULL, 0, "Only say what would go", 0},
    {"keep-every", KEY_KEEP_EVERY, "N", 0,
     "Keep of the checkpoints that epochs have of their own those of every Nth epoch; 0: none "
     "(default: all)",
     0},
    {"unused-data", KEY_UNUSED, NULL, 0,
     "Also the data sets (assay data push) of which no experiment that is queued, paused or "
     "running has the fingerprint",
     0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct gc_options *chosen = state->input;
    switch (key) {
    case KEY_DRY_RUN: chosen->dry_run = true; return 0;
    case KEY_UNUSED: chosen->unused_data = true; return 0;
    case KEY_KEEP_EVERY:
        return options_integer(state, "--keep-every", argument, 0, EVERY_MOST, &chosen->keep_every);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .help =
        "Removes from the coordinator's artifacts what no experiment names: what a crash left "
        "behind and uploads that were given up. Best, last and other files always stay, and so "
        "do data sets without --unused-data; what has been replaced (the last checkpoint, by the "
        "next) went when it was. Runs beside uploads. The files of workers are not touched."
        "\vExamples:\n  assay gc --dry-run\n  assay gc --keep-every 50\n"
        "  assay gc --unused-data",
    .options = options,
    .parse = parse,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* What all turns removed together, and what stays; left: what could not be removed. */
struct sums {
    double files, bytes, kept_files, kept_bytes, left_files, left_bytes;
    struct error why; /* it is left */
};

static void add(struct sums *sums, const cJSON *answer) {
    sums->files += field_number(answer, "files", 0);
    sums->bytes += field_number(answer, "bytes", 0);
    sums->kept_files += field_number(answer, "kept_files", 0);
    sums->kept_bytes += field_number(answer, "kept_bytes", 0);
    sums->left_files += field_number(answer, "left_files", 0);
    sums->left_bytes += field_number(answer, "left_bytes", 0);
    if (sums->why.code == ERROR_NONE && field_at(answer, "error") != NULL)
        error_set(&sums->why, ERROR_FAILED, "%.900s", field_text(answer, "error", "?"));
}

static cJSON *question(const struct gc_options *chosen, double from) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddBoolToObject(body, "dry_run", chosen->dry_run);
    if (chosen->keep_every >= 0)
        cJSON_AddNumberToObject(body, "keep_every", (double)chosen->keep_every);
    if (chosen->unused_data)
        cJSON_AddTrueToObject(body, "unused_data");
    cJSON_AddNumberToObject(body, "from", from);
    return body;
}

/* Turn by turn: an answer says with which folder the next begins. */
static bool clear(struct client *client, const struct gc_options *chosen, struct sums *sums,
                  struct error *error) {
    struct waiting waiting = waiting_begin();
    double folder = 0;
    char text[96];
    cJSON *answer;
    while (folder >= 0 &&
           client_ask(client, "gc", question(chosen, folder), "cleared", &answer, error)) {
        add(sums, answer);
        folder = field_number(answer, "next", -1);
        cJSON_Delete(answer);
        snprintf(text, sizeof text, "%.0f files looked at, %.0f of them %s\n",
                 sums->files + sums->kept_files + sums->left_files, sums->files,
                 chosen->dry_run ? "would go" : "removed");
        waiting_tell(&waiting, text);
    }
    waiting_end(&waiting);
    return folder < 0;
}

static bool print_json(const struct gc_options *chosen, const struct sums *sums) {
    cJSON *document = cJSON_CreateObject();
    cJSON_AddBoolToObject(document, "dry_run", chosen->dry_run);
    cJSON_AddNumberToObject(document, "files", sums->files);
    cJSON_AddNumberToObject(document, "bytes", sums->bytes);
    cJSON_AddNumberToObject(document, "kept_files", sums->kept_files);
    cJSON_AddNumberToObject(document, "kept_bytes", sums->kept_bytes);
    cJSON_AddNumberToObject(document, "left_files", sums->left_files);
    cJSON_AddNumberToObject(document, "left_bytes", sums->left_bytes);
    bool good = output_json(document);
    cJSON_Delete(document);
    return good;
}

static bool print_text(const struct gc_options *chosen, const struct sums *sums) {
    char gone[FORMAT_SIZE], kept[FORMAT_SIZE];
    printf("%s %.0f file%s, %s; %.0f file%s, %s, stay%s\n",
           chosen->dry_run ? "would remove" : "removed", sums->files, sums->files == 1 ? "" : "s",
           format_bytes(gone, (uint64_t)sums->bytes), sums->kept_files,
           sums->kept_files == 1 ? "" : "s", format_bytes(kept, (uint64_t)sums->kept_bytes),
           sums->kept_files == 1 ? "s" : "");
    return true;
}

static bool check_left(const struct sums *sums, struct error *error) {
    char left[FORMAT_SIZE];
    return sums->left_files <= 0 ||
           error_set(error, ERROR_FAILED,
                     "%.0f file%s, %s, could not be removed (%s); let the coordinator write to its "
                     "artifacts, and run assay gc again",
                     sums->left_files, sums->left_files == 1 ? "" : "s",
                     format_bytes(left, (uint64_t)sums->left_bytes), sums->why.message);
}

int command_gc(int argc, char **argv) {
    struct command_input input;
    struct gc_options chosen = {.keep_every = -1};
    struct client client = {0};
    struct sums sums = {0};
    struct error error = {0};
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    status = 0;
    if (!client_open(&input, &client, &error) || !clear(&client, &chosen, &sums, &error))
        status = command_fail(&error);
    else if (!(input.json ? print_json(&chosen, &sums) : print_text(&chosen, &sums)))
        status = ERROR_FAILED;
    else if (!check_left(&sums, &error))
        status = command_fail(&error);
    client_close(&client);
    return status;
}
