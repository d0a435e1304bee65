#include "cli/terminal.h"

#include "cli/dashboard.h"
#include "core/standard.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#undef columns /* term.h's macros */
#undef lines

enum { RESTORE_MAX = 256 };

/* What a dying program needs to put the terminal back, made while all is well: a handler of signals
 * may not call ncurses. */
static struct {
    SCREEN *screen;
    struct termios termios;
    char restore[RESTORE_MAX];
    size_t restore_length;
} terminal;

static const int fatal[] = {SIGHUP,  SIGINT, SIGQUIT, SIGTERM, SIGABRT,
                            SIGSEGV, SIGBUS, SIGFPE,  SIGILL};
enum { FATAL_COUNT = sizeof fatal / sizeof fatal[0] };

bool terminal_usable(void) {
    return isatty(STDIN_FILENO) && standard_redraws(stdout);
}

/* Puts the terminal back and dies of the signal (the handler is gone by then). */
static void die(int number) {
    ssize_t written = write(STDOUT_FILENO, terminal.restore, terminal.restore_length);
    (void)written;
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal.termios);
    raise(number);
}

static void remember(const char *name) {
    const char *sequence = tigetstr((char *)(size_t)name);
    if (sequence == NULL || sequence == (const char *)-1)
        return;
    size_t length = strlen(sequence);
    if (terminal.restore_length + length > RESTORE_MAX)
        return;
    memcpy(terminal.restore + terminal.restore_length, sequence, length);
    terminal.restore_length += length;
}

static void prepare_to_die(void) {
    struct sigaction action = {.sa_handler = die, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    static const char *const sequences[] = {"sgr0", "rmkx", "cnorm", "rmcup"};
    terminal.restore_length = 0;
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++)
        remember(sequences[i]);
    for (size_t i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal[i], &action, NULL);
}

static void choose_colours(void) {
    const char *no_color = getenv("NO_COLOR");
    if (!has_colors() || (no_color != NULL && no_color[0] != '\0'))
        return;
    start_color();
    use_default_colors();
    init_pair(STYLE_GOOD, COLOR_GREEN, -1);
    init_pair(STYLE_BUSY, COLOR_CYAN, -1);
    init_pair(STYLE_BAD, COLOR_RED, -1);
}

bool terminal_open(struct error *error) {
    /* The page is UTF-8; under another locale (C, say) ncurses would cut it into bytes. */
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    tcgetattr(STDIN_FILENO, &terminal.termios);
    terminal.screen = newterm(NULL, stdout, stdin);
    if (terminal.screen == NULL)
        return error_set(error, ERROR_FAILED,
                         "this terminal (TERM=%s) is not known here; set TERM, or use --lines",
                         getenv("TERM"));
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    choose_colours();
    prepare_to_die();
    return true;
}

void terminal_close(void) {
    if (terminal.screen == NULL)
        return;
    for (size_t i = 0; i < FATAL_COUNT; i++)
        signal(fatal[i], SIG_DFL);
    endwin();
    delscreen(terminal.screen);
    terminal.screen = NULL;
}

void terminal_size(size_t *rows, size_t *columns) {
    *rows = (size_t)LINES;
    *columns = (size_t)COLS;
}

static attr_t attributes_of(const struct page_cell *cell) {
    attr_t attributes = cell->reversed ? A_REVERSE : A_NORMAL;
    if (cell->style == STYLE_BOLD)
        attributes |= A_BOLD;
    else if (cell->style == STYLE_DIM)
        attributes |= A_DIM;
    else if (cell->style != STYLE_PLAIN)
        attributes |= (attr_t)COLOR_PAIR(cell->style);
    return attributes;
}

void terminal_show(const struct page *page) {
    for (size_t row = 0; row < page->rows; row++)
        for (size_t column = 0; column < page->columns; column++) {
            const struct page_cell *cell = page_at(page, row, column);
            if (cell->text[0] == '\0')
                continue;
            attrset((int)attributes_of(cell));
            mvaddstr((int)row, (int)column, cell->text);
        }
    refresh();
}

int terminal_key(void) {
    static const struct {
        int from, to;
    } keys[] = {{KEY_UP, DASHBOARD_UP},
                {KEY_DOWN, DASHBOARD_DOWN},
                {KEY_PPAGE, DASHBOARD_PAGE_UP},
                {KEY_NPAGE, DASHBOARD_PAGE_DOWN},
                {KEY_HOME, DASHBOARD_HOME},
                {KEY_END, DASHBOARD_END},
                {KEY_ENTER, DASHBOARD_ENTER},
                {'\r', DASHBOARD_ENTER},
                {'\n', DASHBOARD_ENTER},
                {'\033', DASHBOARD_ESCAPE},
                {KEY_BACKSPACE, DASHBOARD_BACKSPACE},
                {0x7F, DASHBOARD_BACKSPACE},
                {'\b', DASHBOARD_BACKSPACE}};
    int key = getch();
    while (key == KEY_RESIZE)
        key = getch();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (key == keys[i].from)
            return keys[i].to;
    return key == ERR || key >= 0x100 ? -1 : key;
}
