/* assay tag and assay note against a coordinator that remembers what it was asked. */
#include "cli/command.h"

#include "cli/field.h"
#include "tests/cli/fake.h"

/* What was asked last of each; owned. */
struct asked {
    struct fake fake;
    cJSON *tag, *note, *erase;
    size_t lists, notes; /* how often */
    bool deaf;           /* the first `note` gets no answer */
    bool refusing;       /* nothing may be changed */
};

static cJSON *experiment(int id, const char *name, const char *more) {
    char text[1024];
    snprintf(
        text, sizeof text,
        "{\"id\": %d, \"name\": \"%s\", \"group\": \"g\", \"variant\": {}, \"state\": \"done\","
        " \"priority\": 0, \"attempt\": 1, \"max_attempts\": 3, \"failures\": 0,"
        " \"worker\": null, \"error\": null, \"submitted_ms\": 1, \"started_ms\": 1,"
        " \"finished_ms\": 1, \"epochs\": 1, \"epochs_done\": 1, \"person\": \"\","
        " \"waits\": null, \"progress\": null, \"best\": null, \"latest\": null, %s}",
        id, name, more);
    return parsed(text);
}

#define DETAIL                                                                                     \
    "\"config\": {}, \"history\": [], \"evaluations\": [], \"checkpoints\": [],"                   \
    " \"artifacts\": [], \"attempts\": [], "

/* 4 and 5; what `add` was asked for is on both from then on. */
static cJSON *experiments(const struct asked *asked, bool details) {
    cJSON *answer = parsed("{\"experiments\": [], \"next\": null}");
    cJSON *all = cJSON_GetObjectItem(answer, "experiments");
    const char *notes = DETAIL "\"notes\": [{\"number\": 1, \"at_ms\": 1795493707000,"
                               " \"person\": \"ann@node\", \"text\": \"one\\ntwo\"}]";
    cJSON_AddItemToArray(all, experiment(4, "g/a", details ? notes : "\"tags\": [\"b\"]"));
    cJSON_AddItemToArray(all,
                         experiment(5, "g/b", details ? DETAIL "\"notes\": []" : "\"tags\": []"));
    cJSON *one;
    cJSON_ArrayForEach(one, all) {
        if (!details && field_at(asked->tag, "add") != NULL)
            cJSON_ReplaceItemInObject(one, "tags",
                                      cJSON_Duplicate(field_at(asked->tag, "add"), true));
    }
    return answer;
}

static void remember(cJSON **kept, const cJSON *body) {
    cJSON_Delete(*kept);
    *kept = cJSON_Duplicate(body, true);
}

static cJSON *answer(void *context, size_t nth, const char *request, const cJSON *body,
                     const char **name) {
    struct asked *asked = context;
    (void)nth;
    bool changes = strcmp(request, "tag") == 0 || strcmp(request, "note") == 0 ||
                   strcmp(request, "erase") == 0;
    if (asked->refusing && changes)
        return wire_error_body(WIRE_INVALID, "too many");
    if (strcmp(request, "tag") == 0) {
        remember(&asked->tag, body);
        *name = "changed";
        return parsed("{\"ids\": [4]}");
    }
    if (strcmp(request, "note") == 0) {
        remember(&asked->note, body);
        *name = "noted";
        return asked->notes++ == 0 && asked->deaf
                   ? NULL
                   : parsed(
                         "{\"notes\": [{\"id\": 4, \"number\": 2}, {\"id\": 5, \"number\": 1}]}");
    }
    if (strcmp(request, "erase") == 0) {
        bool there = field_number(body, "number", 0) < 2;
        remember(&asked->erase, body);
        *name = "changed";
        return parsed(there ? "{\"ids\": [4]}" : "{\"ids\": []}");
    }
    asked->lists++;
    bool details = strcmp(request, "show") == 0;
    *name = details ? "details" : "experiments";
    cJSON *found = experiments(asked, details);
    if (cJSON_GetArraySize(field_at(body, "ids")) == 1)
        cJSON_DeleteItemFromArray(cJSON_GetObjectItem(found, "experiments"), 1);
    return found;
}

static int start(void **state) {
    static struct asked asked;
    asked = (struct asked){0};
    setenv("TZ", "UTC", 1);
    fake_start(&asked.fake, answer, &asked);
    *state = &asked;
    return 0;
}

static int stop(void **state) {
    struct asked *asked = *state;
    fake_stop(&asked->fake);
    cJSON_Delete(asked->tag);
    cJSON_Delete(asked->note);
    cJSON_Delete(asked->erase);
    return 0;
}

static void is_json(const cJSON *body, const char *key, const char *expected) {
    char *text = cJSON_PrintUnformatted(field_at(body, key));
    assert_string_equal(text != NULL ? text : "NULL", expected);
    free(text);
}

/* --- tag --- */

static void tag_alone_lists_and_changes_nothing(void **state) {
    const struct asked *asked = *state;
    assert_run(RUN(command_tag, "tag", "g"), 0,
               "id  experiment  tags\n"
               " 4  g/a         b\n"
               " 5  g/b\n",
               "");
    assert_run(RUN(command_tag, "tag", "g", "--json"), 0,
               "[{\"id\":4,\"name\":\"g/a\",\"tags\":[\"b\"]},"
               "{\"id\":5,\"name\":\"g/b\",\"tags\":[]}]\n",
               "");
    assert_null(asked->tag);
}

static void tag_asks_for_the_change_and_shows_what_is_on_them_then(void **state) {
    struct asked *asked = *state;
    assert_run(RUN(command_tag, "tag", "4", "5", "--add", "v1,keep", "--remove", "b", "--add=keep"),
               0,
               "id  experiment  tags\n"
               " 4  g/a         v1, keep\n"
               " 5  g/b         v1, keep\n",
               "");
    fake_meet(&asked->fake);
    is_json(asked->tag, "ids", "[4,5]");
    is_json(asked->tag, "add", "[\"v1\",\"keep\"]");
    is_json(asked->tag, "remove", "[\"b\"]");
    assert_non_null(strchr(field_text(asked->tag, "person", ""), '@'));
}

static void what_is_no_tag_is_refused_before_anybody_is_asked(void **state) {
    const struct asked *asked = *state;
    assert_run(RUN(command_tag, "tag", "4", "--add", "good,a b"), 2, "",
               "assay: \"a b\" is no tag; write it with letters, digits and . _ - :; see assay tag "
               "--help\n");
    assert_run(RUN(command_tag, "tag", "4", "--remove", "a,"), 2, "",
               "assay: a tag is empty; see assay tag --help\n");
    assert_int_equal(asked->lists, 0);
}

static void a_tag_may_begin_with_a_hyphen(void **state) {
    struct asked *asked = *state;
    struct run run = RUN(command_tag, "tag", "4", "--add", "-x");
    assert_int_equal(run.status, 0);
    fake_meet(&asked->fake);
    is_json(asked->tag, "add", "[\"-x\"]");
    free(run.out);
    free(run.err);
}

/* --- note --- */

static void note_writes_the_last_word_on_those_before_it(void **state) {
    struct asked *asked = *state;
    assert_run(RUN(command_note, "note", "4", "5", "flat from\nepoch 30 on"), 0,
               "4 g/a: note 2\n5 g/b: note 1\n", "");
    fake_meet(&asked->fake);
    is_json(asked->note, "ids", "[4,5]");
    assert_string_equal(field_text(asked->note, "text", ""), "flat from\nepoch 30 on");
    assert_non_null(strchr(field_text(asked->note, "person", ""), '@'));
    assert_int_equal(asked->lists, 1); /* the text is no experiment */
    assert_int_equal(strlen(field_text(asked->note, "key", "")), 32);
    char *first = strdup(field_text(asked->note, "key", ""));
    fake_meet(&asked->fake);
    assert_run(RUN(command_note, "note", "4", "again", "--json"), 0,
               "[{\"id\":4,\"number\":2},{\"id\":5,\"number\":1}]\n", "");
    fake_meet(&asked->fake);
    assert_string_not_equal(field_text(asked->note, "key", ""), first);
    free(first);
}

static void a_note_that_gets_no_answer_is_sent_again_under_its_key(void **state) {
    struct asked *asked = *state;
    asked->deaf = true;
    fake_meet(&asked->fake);
    struct run run = RUN(command_note, "note", "4", "x", "--timeout", "1");
    assert_int_equal(run.status, 0);
    fake_meet(&asked->fake);
    assert_int_equal(asked->notes, 2);
    free(run.out);
    free(run.err);
}

static void a_text_may_begin_with_a_hyphen_behind_two(void **state) {
    struct asked *asked = *state;
    struct run run = RUN(command_note, "note", "4", "--", "-0.3 %");
    assert_int_equal(run.status, 0);
    fake_meet(&asked->fake);
    assert_string_equal(field_text(asked->note, "text", ""), "-0.3 %");
    free(run.out);
    free(run.err);
}

static void ids_alone_list_the_notes(void **state) {
    struct asked *asked = *state;
    assert_run(RUN(command_note, "note", "4", "5"), 0,
               "4 g/a\n"
               "  1  2026-11-24 04:15:07  ann@node\n"
               "     one\n"
               "     two\n"
               "5 g/b: no notes\n",
               "");
    assert_run(RUN(command_note, "note", "g", "--json"), 0,
               "[{\"id\":4,\"name\":\"g/a\",\"notes\":[{\"number\":1,\"at_ms\":1795493707000,"
               "\"person\":\"ann@node\",\"text\":\"one\\ntwo\"}]},"
               "{\"id\":5,\"name\":\"g/b\",\"notes\":[]}]\n",
               "");
    fake_meet(&asked->fake);
    assert_null(asked->note);
}

static void a_note_is_erased_by_its_number(void **state) {
    struct asked *asked = *state;
    assert_run(RUN(command_note, "note", "4", "--remove", "1"), 0, "4 g/a: note 1 erased\n", "");
    fake_meet(&asked->fake);
    is_json(asked->erase, "id", "4");
    is_json(asked->erase, "number", "1");
    assert_non_null(strchr(field_text(asked->erase, "person", ""), '@'));
    fake_meet(&asked->fake);
    assert_run(RUN(command_note, "note", "4", "--remove", "2"), 0,
               "4 g/a: note 2 was erased before\n", "");
    assert_run(RUN(command_note, "note", "4", "5", "--remove", "1"), 2, "",
               "assay: --remove erases the note of one experiment: assay note ID --remove 1\n");
    assert_run(
        RUN(command_note, "note", "4", "--remove", "first"), 2, "",
        "assay: --remove takes the number of a note, not \"first\"; see assay note --help\n");
}

static void what_is_no_note_is_refused_before_anybody_is_asked(void **state) {
    const struct asked *asked = *state;
    assert_run(RUN(command_note, "note", "4", "  "), 2, "", "assay: a note is empty\n");
    assert_run(RUN(command_note, "note", "4", "a\033[31m"), 2, "",
               "assay: a note has a control character at byte 2\n");
    assert_int_equal(asked->lists, 0);
}

static void what_is_refused_is_said_and_nothing_else(void **state) {
    struct asked *asked = *state;
    asked->refusing = true;
    fake_meet(&asked->fake);
    assert_run(RUN(command_tag, "tag", "4", "--add", "x"), 2, "", "assay: too many\n");
    assert_run(RUN(command_note, "note", "4", "x"), 2, "", "assay: too many\n");
    assert_run(RUN(command_note, "note", "4", "--remove", "1", "--json"), 2, "",
               "assay: too many\n");
}

int main(void) {
#define ASKED(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        ASKED(tag_alone_lists_and_changes_nothing),
        ASKED(tag_asks_for_the_change_and_shows_what_is_on_them_then),
        ASKED(what_is_no_tag_is_refused_before_anybody_is_asked),
        ASKED(a_tag_may_begin_with_a_hyphen),
        ASKED(note_writes_the_last_word_on_those_before_it),
        ASKED(a_note_that_gets_no_answer_is_sent_again_under_its_key),
        ASKED(a_text_may_begin_with_a_hyphen_behind_two),
        ASKED(ids_alone_list_the_notes),
        ASKED(a_note_is_erased_by_its_number),
        ASKED(what_is_no_note_is_refused_before_anybody_is_asked),
        ASKED(what_is_refused_is_said_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
