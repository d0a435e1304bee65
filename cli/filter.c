/* Parsed by recursive descent into postfix order: comparisons push a truth, `not`, `and` and `or`
 * take theirs from the stack. */
#include "cli/filter.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 256, DEPTH_MAX = 32 };

enum step_kind {
    STEP_EQUAL,
    STEP_UNEQUAL,
    STEP_LESS,
    STEP_LESS_EQUAL,
    STEP_GREATER,
    STEP_GREATER_EQUAL,
    STEP_CONTAINS,
    STEP_LACKS,
    STEP_NOT,
    STEP_AND,
    STEP_OR,
};

static const char *const operators[] = {"=", "!=", "<", "<=", ">", ">=", "~", "!~"};
enum { OPERATOR_COUNT = sizeof operators / sizeof operators[0] };

struct step {
    enum step_kind kind;
    char *field, *value; /* of comparisons */
};

struct filter {
    struct step steps[STEPS_MAX];
    size_t count;
};

struct parser {
    const char *text, *at;
    struct filter *filter;
    struct error *error;
};

static bool wrong(struct parser *parser, const char *wanted) {
    return error_set(parser->error, ERROR_INPUT,
                     "filter, at character %zu: %s; write it as \"accuracy > 0.98 and name ~ "
                     "jitter\"",
                     (size_t)(parser->at - parser->text) + 1, wanted);
}

static void skip_space(struct parser *parser) {
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

static bool in_word(char c) {
    return c != '\0' && !isspace((unsigned char)c) && strchr("()=<>!~\"", c) == NULL;
}

static size_t word_length(const char *at) {
    size_t length = 0;
    while (in_word(at[length]))
        length++;
    return length;
}

/* Takes the word if it is the next one. */
static bool take_word(struct parser *parser, const char *word) {
    skip_space(parser);
    size_t length = word_length(parser->at);
    if (length != strlen(word) || strncmp(parser->at, word, length) != 0)
        return false;
    parser->at += length;
    return true;
}

static bool add_step(struct parser *parser, struct step step) {
    if (parser->filter->count == STEPS_MAX)
        return wrong(parser, "too many conditions");
    parser->filter->steps[parser->filter->count++] = step;
    return true;
}

static char *copy_word(struct parser *parser) {
    size_t length = word_length(parser->at);
    char *word = strndup(parser->at, length);
    parser->at += length;
    return word;
}

/* What stands between quotes, a quote among it written twice. */
static char *copy_quoted(struct parser *parser) {
    const char *from = parser->at + 1;
    char *value = strdup(from), *end = value;
    for (; value != NULL && *from != '\0'; *end++ = *from++)
        if (*from == '"' && *++from != '"') {
            *end = '\0';
            parser->at = from;
            return value;
        }
    if (value != NULL)
        wrong(parser, "this quote has no end");
    free(value);
    return NULL;
}

/* A word or what stands between quotes; NULL is what stops the parser. */
static char *copy_value(struct parser *parser) {
    skip_space(parser);
    if (*parser->at != '"') {
        if (in_word(*parser->at))
            return copy_word(parser);
        wrong(parser, "a value should stand here");
        return NULL;
    }
    return copy_quoted(parser);
}

/* The longest operator that stands here. */
static bool take_operator(struct parser *parser, enum step_kind *kind) {
    size_t longest = 0;
    skip_space(parser);
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        size_t length = strlen(operators[i]);
        if (length > longest && strncmp(parser->at, operators[i], length) == 0) {
            longest = length;
            *kind = (enum step_kind)i;
        }
    }
    parser->at += longest;
    return longest > 0 || wrong(parser, "one of = != < <= > >= ~ !~ should stand here");
}

static bool parse_comparison(struct parser *parser) {
    struct step step;
    if (!in_word(*parser->at))
        return wrong(parser, "the name of a column should stand here");
    step.field = copy_word(parser);
    step.value = NULL;
    bool good = take_operator(parser, &step.kind) && (step.value = copy_value(parser)) != NULL &&
                step.field != NULL && add_step(parser, step);
    if (!good) {
        free(step.field);
        free(step.value);
    }
    return good;
}

static bool parse_or(struct parser *parser, int depth);

static bool parse_factor(struct parser *parser, int depth) {
    if (depth > DEPTH_MAX)
        return wrong(parser, "too many levels of not and brackets");
    if (take_word(parser, "not"))
        return parse_factor(parser, depth + 1) && add_step(parser, (struct step){.kind = STEP_NOT});
    if (*parser->at != '(')
        return parse_comparison(parser);
    parser->at++;
    if (!parse_or(parser, depth + 1))
        return false;
    skip_space(parser);
    if (*parser->at != ')')
        return wrong(parser, "a closing bracket, \"and\" or \"or\" should stand here");
    parser->at++;
    return true;
}

static bool parse_and(struct parser *parser, int depth) {
    if (!parse_factor(parser, depth))
        return false;
    while (take_word(parser, "and"))
        if (!parse_factor(parser, depth) || !add_step(parser, (struct step){.kind = STEP_AND}))
            return false;
    return true;
}

static bool parse_or(struct parser *parser, int depth) {
    if (!parse_and(parser, depth))
        return false;
    while (take_word(parser, "or"))
        if (!parse_and(parser, depth) || !add_step(parser, (struct step){.kind = STEP_OR}))
            return false;
    return true;
}

bool filter_parse(const char *text, struct filter **result, struct error *error) {
    struct filter *filter = calloc(1, sizeof *filter);
    struct parser parser = {.text = text, .at = text, .filter = filter, .error = error};
    *result = NULL;
    error_memory(error);
    bool good = filter != NULL && parse_or(&parser, 0);
    if (good && *parser.at != '\0')
        good = wrong(&parser, "\"and\" or \"or\" should stand here");
    if (!good) {
        filter_free(filter);
        return false;
    }
    if (error != NULL)
        *error = (struct error){0};
    *result = filter;
    return true;
}

void filter_free(struct filter *filter) {
    for (size_t i = 0; filter != NULL && i < filter->count; i++) {
        free(filter->steps[i].field);
        free(filter->steps[i].value);
    }
    free(filter);
}

/* The comparison of that index; NULL from the last one on. */
static const struct step *comparison(const struct filter *filter, size_t index) {
    for (size_t i = 0; i < filter->count; i++)
        if (filter->steps[i].field != NULL && index-- == 0)
            return &filter->steps[i];
    return NULL;
}

const char *filter_field(const struct filter *filter, size_t index) {
    const struct step *step = comparison(filter, index);
    return step != NULL ? step->field : NULL;
}

const char *filter_operand(const struct filter *filter, size_t index) {
    const struct step *step = comparison(filter, index);
    return step == NULL || step->kind == STEP_CONTAINS || step->kind == STEP_LACKS ? NULL
                                                                                   : step->value;
}

bool filter_number(const char *text, double *number) {
    char *end;
    if (text[strspn(text, "0123456789.+-eE")] != '\0') /* strtod takes nan and 0x10 too */
        return false;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number);
}

/* --- taking --- */

static bool holds(enum step_kind kind, int order) {
    switch (kind) {
    case STEP_EQUAL: return order == 0;
    case STEP_UNEQUAL: return order != 0;
    case STEP_LESS: return order < 0;
    case STEP_LESS_EQUAL: return order <= 0;
    case STEP_GREATER: return order > 0;
    default: return order >= 0;
    }
}

static bool compare_one(const struct step *step, const cJSON *value) {
    char number[32];
    const char *text = cJSON_IsString(value) ? value->valuestring
                       : cJSON_IsTrue(value) ? "true"
                                             : "false";
    if (!cJSON_IsString(value) && !cJSON_IsNumber(value) && !cJSON_IsBool(value))
        return step->kind == STEP_UNEQUAL || step->kind == STEP_LACKS;
    if (cJSON_IsNumber(value)) {
        snprintf(number, sizeof number, "%.15g", value->valuedouble);
        text = number;
    }
    if (step->kind == STEP_CONTAINS || step->kind == STEP_LACKS)
        return (strcasestr(text, step->value) != NULL) == (step->kind == STEP_CONTAINS);
    double own = value->valuedouble, other;
    if (!filter_number(step->value, &other) ||
        !(cJSON_IsNumber(value) || filter_number(text, &own)))
        return holds(step->kind, strcmp(text, step->value));
    return holds(step->kind, (own > other) - (own < other));
}

static bool compare(const struct step *step, const cJSON *value) {
    bool all = step->kind == STEP_UNEQUAL || step->kind == STEP_LACKS;
    const cJSON *item;
    if (!cJSON_IsArray(value))
        return compare_one(step, value);
    cJSON_ArrayForEach(item, value) {
        if (compare_one(step, item) != all)
            return !all;
    }
    return all;
}

bool filter_takes(const struct filter *filter, filter_look *look, const void *row) {
    bool stack[STEPS_MAX];
    size_t top = 0;
    for (size_t i = 0; i < filter->count; i++) {
        const struct step *step = &filter->steps[i];
        if (step->field != NULL)
            stack[top++] = compare(step, look(row, step->field));
        else if (step->kind == STEP_NOT)
            stack[top - 1] = !stack[top - 1];
        else {
            top--;
            stack[top - 1] = step->kind == STEP_AND ? stack[top - 1] && stack[top]
                                                    : stack[top - 1] || stack[top];
        }
    }
    return stack[0];
}
