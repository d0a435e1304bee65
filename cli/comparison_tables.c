#include "cli/comparison_tables.h"

#include "cli/table.h"
#include "core/field.h"
#include "core/text.h"

#include <stdlib.h>

/* "1 2 5" */
static char *ids_text(const cJSON *ids) {
    struct text text = {0};
    const cJSON *id;
    cJSON_ArrayForEach(id, ids) {
        text_format(&text, text.length > 0 ? " %.0f" : "%.0f", id->valuedouble);
    }
    return text_take(&text);
}

void differences_print(const cJSON *differences, const struct screen *screen) {
    static const struct column columns[] = {
        {"what differs", COLUMN_NAME}, {"ids", COLUMN_ELASTIC}, {"value", COLUMN_ELASTIC}};
    struct table table = TABLE_OF(columns);
    const cJSON *values, *ids;
    cJSON_ArrayForEach(values, differences) {
        cJSON_ArrayForEach(ids, values) {
            char *text = ids_text(ids);
            table_add(&table, "%s", ids == values->child ? values->string : "");
            table_add(&table, "%s", text != NULL ? text : "");
            table_add(&table, "%s", ids->string);
            free(text);
        }
    }
    if (table.count > 0) {
        table_print(&table, screen, 0);
        putchar('\n');
    }
    table_free(&table);
}

void ranking_print(const struct comparison *comparison, const struct screen *screen) {
    static const struct column columns[] = {
        {"id", COLUMN_RIGHT},         {"experiment", COLUMN_NAME},
        {"keep", COLUMN_LEFT},        {"epoch", COLUMN_RIGHT | COLUMN_MINOR},
        {"valid acc.", COLUMN_RIGHT}, {"valid loss", COLUMN_RIGHT | COLUMN_MINOR},
        {"test acc.", COLUMN_RIGHT},
    };
    struct table table = TABLE_OF(columns);
    for (size_t i = 0; i < comparison->ranked; i++) {
        const struct contender *contender = &comparison->contenders[comparison->order[i]];
        char text[FORMAT_SIZE];
        enum style style = i == 0 ? STYLE_GOOD : STYLE_PLAIN;
        table_add(&table, "%.0f", field_number(contender->experiment, "id", 0));
        table_add_styled(&table, style, "%s", field_text(contender->experiment, "name", "?"));
        table_add_styled(&table, style, "%s", checkpoint_names[contender->keep]);
        table_add(&table, "%.0f",
                  field_number(comparison_kept(contender, SPLIT_VALID), "epoch", 0));
        table_add(&table, "%s",
                  field_ratio(text, comparison_kept(contender, SPLIT_VALID), "accuracy"));
        table_add(&table, "%s", field_ratio(text, comparison_kept(contender, SPLIT_VALID), "loss"));
        table_add(&table, "%s",
                  field_ratio(text, comparison_kept(contender, SPLIT_TEST), "accuracy"));
    }
    table_print_titled(
        &table, screen,
        "Which to keep, the first before the others: by validation accuracy, then loss");
    table_free(&table);
}

static void add_spreads(struct table *table, const struct comparison *comparison, size_t first,
                        enum checkpoint checkpoint, enum split_name split) {
    table_add(table, "  %s %s", checkpoint_names[checkpoint], split_names[split]);
    for (int ratio = 0; ratio < RATIO_SHOWN; ratio++) {
        struct spread spread;
        char mean[FORMAT_SIZE], deviation[FORMAT_SIZE];
        if (contenders_spread(comparison->contenders, comparison->count, comparison->repeats, first,
                              checkpoint, split, (enum ratio)ratio, comparison->values, &spread))
            table_add(table, "%s ± %s", format_ratio(mean, true, spread.mean),
                      format_ratio(deviation, true, spread.deviation));
        else
            table_add(table, "n/a");
    }
}

void repeats_print(const struct comparison *comparison, const struct screen *screen) {
    static const struct column columns[] = {
        {"", COLUMN_LEFT},
        {"accuracy", COLUMN_RIGHT},
        {"recall", COLUMN_RIGHT | COLUMN_MINOR},
        {"precision", COLUMN_RIGHT | COLUMN_MINOR},
        {"loss", COLUMN_RIGHT | COLUMN_MINOR},
    };
    struct table table = TABLE_OF(columns);
    for (size_t first = 0; first < comparison->count; first++) {
        size_t count = comparison->repeat_counts[first];
        if (count < 2)
            continue;
        table_heading(&table, STYLE_BOLD, "%s and %zu more",
                      field_text(comparison->contenders[first].experiment, "name", "?"), count - 1);
        for (int i = 0; i < CHECKPOINT_COUNT; i++)
            for (int j = 0; j < SPLIT_COUNT; j++)
                add_spreads(&table, comparison, first, (enum checkpoint)i, (enum split_name)j);
    }
    table_print_titled(&table, screen, "Repeats with other seeds: mean ± standard deviation");
    table_free(&table);
}

static bool worth_printing(const cJSON *effects) {
    const cJSON *levels, *effect;
    cJSON_ArrayForEach(levels, effects) {
        cJSON_ArrayForEach(effect, levels) {
            if (field_number(effect, "experiments", 0) > 1)
                return true;
        }
    }
    return false;
}

static void add_cell(struct table *table, const cJSON *effect, const char *split) {
    const cJSON *one = field_at(effect, split);
    if (one == NULL)
        table_add(table, "n/a");
    else if (field_at(one, "standard_deviation") == NULL)
        table_add(table, "%.4f (%+.4f)", field_number(one, "mean", 0),
                  field_number(one, "effect", 0));
    else
        table_add(table, "%.4f ± %.4f (%+.4f)", field_number(one, "mean", 0),
                  field_number(one, "standard_deviation", 0), field_number(one, "effect", 0));
}

void effects_print(const cJSON *effects, const struct screen *screen) {
    static const struct column columns[] = {{"value", COLUMN_ELASTIC},
                                            {"experiments", COLUMN_RIGHT | COLUMN_MINOR},
                                            {"valid accuracy", COLUMN_RIGHT},
                                            {"test accuracy", COLUMN_RIGHT | COLUMN_MINOR_LAST}};
    struct table table = TABLE_OF(columns);
    const cJSON *levels, *effect;
    if (!worth_printing(effects))
        return;
    cJSON_ArrayForEach(levels, effects) {
        table_heading(&table, STYLE_BOLD, "%s", levels->string);
        cJSON_ArrayForEach(effect, levels) {
            table_add(&table, "  %s", effect->string);
            table_add(&table, "%.0f", field_number(effect, "experiments", 0));
            add_cell(&table, effect, "valid");
            add_cell(&table, effect, "test");
        }
    }
    table_print_titled(
        &table, screen,
        "What each value does on average: mean ± standard deviation\n(less the mean of all)");
    table_free(&table);
}

static void add_duelist(struct table *table, const struct duelist *duelist) {
    table_add(table, "%.0f %s", field_number(duelist->contender->experiment, "id", 0),
              checkpoint_names[duelist->checkpoint]);
}

void duels_print(const struct duel *duels, size_t count, const struct screen *screen) {
    static const struct column columns[] = {
        {"first", COLUMN_LEFT},
        {"second", COLUMN_LEFT},
        {"only first", COLUMN_RIGHT | COLUMN_MINOR},
        {"only second", COLUMN_RIGHT | COLUMN_MINOR},
        {"p", COLUMN_RIGHT},
        {"difference (95 %)", COLUMN_RIGHT | COLUMN_MINOR_LAST},
    };
    struct table table = TABLE_OF(columns);
    for (size_t i = 0; i < count; i++) {
        const struct duel *duel = &duels[i];
        add_duelist(&table, &duel->first);
        add_duelist(&table, &duel->second);
        table_add(&table, "%llu", (unsigned long long)paired_only_first(&duel->paired));
        table_add(&table, "%llu", (unsigned long long)paired_only_second(&duel->paired));
        table_add_styled(&table, duel->p < duel_chance ? STYLE_BOLD : STYLE_PLAIN, "%.4f", duel->p);
        table_add(&table, "%+.4f (%+.3f to %+.3f)", duel->difference, duel->interval.low,
                  duel->interval.high);
    }
    table_print_titled(
        &table, screen,
        "More than chance? Test pictures that one alone gets right, McNemar's p, and how "
        "far the second's accuracy is from the first's");
    table_free(&table);
}
