/* dashboard: what the full-screen view of `assay watch` knows and shows, without terminal or
 * socket: answers and keys go in, pages and wishes come out.
 *
 * Above stands the list of experiments, below the curves of the selected one; Enter gives that one
 * the whole screen. The loop around it (live.h) owns the terminal and asks the coordinator.
 */
#ifndef ASSAY_CLI_DASHBOARD_H
#define ASSAY_CLI_DASHBOARD_H

#include "cli/filter.h"
#include "cli/page.h"
#include "cli/progress.h"

/* Keys: characters are themselves (UTF-8 bytes one by one); these lie beyond. */
enum {
    DASHBOARD_UP = 0x110000,
    DASHBOARD_DOWN,
    DASHBOARD_PAGE_UP,
    DASHBOARD_PAGE_DOWN,
    DASHBOARD_HOME,
    DASHBOARD_END,
    DASHBOARD_ENTER,
    DASHBOARD_ESCAPE,
    DASHBOARD_BACKSPACE,
};

/* What a key asks of the loop. */
enum dashboard_wish {
    DASHBOARD_NOTHING,
    DASHBOARD_QUIT,
    DASHBOARD_CANCEL, /* the experiment `steered`; and so on */
    DASHBOARD_PAUSE,
    DASHBOARD_RESUME,
    DASHBOARD_RETRY,
};

enum dashboard_view { VIEW_LIST, VIEW_ONE, VIEW_WORKERS, VIEW_HELP };
enum dashboard_prompt { PROMPT_NONE, PROMPT_FILTER, PROMPT_CANCEL };

enum { DASHBOARD_TYPED = 200 };

struct dashboard_pace { /* of one experiment, for its ETA */
    double id;
    struct eta eta;
};

struct dashboard {
    cJSON *experiments, *workers; /* arrays as answered, owned; NULL before the first answer */
    cJSON *detail;                /* `show`'s of one experiment, or NULL */
    const cJSON **shown;          /* those of `experiments` that the filter takes, newest first */
    size_t shown_count, name_columns; /* name_columns: what the longest name of these takes */
    double selected;                  /* id; 0: none */
    double steered; /* id: that was selected when c, p or r was pressed, whatever is now */
    size_t top;     /* the first row of the list */
    enum dashboard_view view;
    enum dashboard_prompt prompt;
    char typed[DASHBOARD_TYPED];       /* at the prompt */
    char filter_text[DASHBOARD_TYPED]; /* "" takes all */
    struct filter *filter;
    char note[256]; /* said in the last row until the next key */
    bool away;      /* the coordinator does not answer */
    const char *endpoint;
    double now_ms; /* steady */
    struct dashboard_pace *paces;
    size_t pace_count;
};

/* Zero-initialise; `endpoint` and now_ms are set by the loop. */
void dashboard_free(struct dashboard *dashboard);

/* Take an answer (an array, owned from now on). */
void dashboard_take_experiments(struct dashboard *dashboard, cJSON *experiments);
void dashboard_take_workers(struct dashboard *dashboard, cJSON *workers);
/* The details that were asked for; NULL when there are none. */
void dashboard_take_detail(struct dashboard *dashboard, cJSON *detail);
/* The id whose details are missing or out of date, 0 when none are. */
double dashboard_wants_detail(const struct dashboard *dashboard);

/* A key on a screen of so many rows. */
enum dashboard_wish dashboard_key(struct dashboard *dashboard, int key, size_t rows);

/* Moves `top` so that the selected experiment is among the `rows` rows of the list. */
void dashboard_scroll(struct dashboard *dashboard, size_t rows);
/* How many rows the list has on a screen of so many. */
size_t dashboard_list_rows(const struct dashboard *dashboard, size_t rows);
/* The selected experiment's summary, or NULL. */
const cJSON *dashboard_selected(const struct dashboard *dashboard);
/* Seconds left for a running experiment, -1 when unknown. */
double dashboard_left(struct dashboard *dashboard, const cJSON *experiment);

/* Draws the whole page (dashboard_draw.c). `clock` stands at the top right. */
void dashboard_draw(struct dashboard *dashboard, struct page *page, const char *clock);

#endif
