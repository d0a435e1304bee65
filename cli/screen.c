#include "cli/screen.h"

#include "core/standard.h"
#include "core/text.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

void screen_measure(struct screen *screen) {
    if (!screen->terminal)
        return;
    standard_size(screen->stream, &screen->width, &screen->height);
    if (screen->width == 0) {
        screen->width = 80;
        screen->height = 24;
    }
}

struct screen screen_of(FILE *stream) {
    struct screen screen = {.stream = stream};
    int descriptor = fileno(stream);
    screen.terminal = descriptor >= 0 && isatty(descriptor);
    screen.redraws = standard_redraws(stream);
    const char *no_color = getenv("NO_COLOR");
    screen.colour = screen.redraws && (no_color == NULL || no_color[0] == '\0');
    screen_measure(&screen);
    return screen;
}

const char *screen_on(const struct screen *screen, enum style style) {
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "",        [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
        [STYLE_GOOD] = "\033[32m", [STYLE_BUSY] = "\033[36m", [STYLE_BAD] = "\033[31m",
    };
    return screen->colour ? sequences[style] : "";
}

const char *screen_off(const struct screen *screen, enum style style) {
    return screen->colour && style != STYLE_PLAIN ? "\033[0m" : "";
}

enum style screen_state_style(const char *state) {
    static const struct {
        const char *state;
        enum style style;
    } styles[] = {{"done", STYLE_GOOD}, {"idle", STYLE_GOOD},    {"running", STYLE_BUSY},
                  {"busy", STYLE_BUSY}, {"failed", STYLE_BAD},   {"cancelled", STYLE_BAD},
                  {"lost", STYLE_BAD},  {"draining", STYLE_BUSY}};
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++)
        if (strcmp(styles[i].state, state) == 0)
            return styles[i].style;
    return STYLE_PLAIN;
}

void screen_clear(struct screen *screen) {
    if (screen->live > 0)
        fprintf(screen->stream, "\033[%zuA\033[J", screen->live);
    screen->live = 0;
}

void screen_live(struct screen *screen, const char *lines) {
    if (!screen->redraws)
        return;
    screen_clear(screen);
    for (const char *line = lines; *line != '\0' && screen->live + 1 < screen->height;) {
        size_t length = strcspn(line, "\n");
        char *copy = strndup(line, length);
        if (copy == NULL)
            break;
        screen_print(screen->stream, copy, screen->width - 1);
        free(copy);
        putc('\n', screen->stream);
        screen->live++;
        line += length + (line[length] == '\n');
    }
    fflush(screen->stream);
}

/* Widths are those of UTF-8 whatever the locale says. NULL (never on Debian) leaves the locale as
 * it is. */
static locale_t utf8(void) {
    static locale_t locale;
    if (locale == NULL)
        locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    return locale;
}

bool screen_character_next(const char **text, struct screen_character *character) {
    wchar_t wide;
    mbstate_t state = {0};
    if (**text == '\0')
        return false;
    locale_t before = utf8() != NULL ? uselocale(utf8()) : NULL;
    size_t length = mbrtowc(&wide, *text, strlen(*text), &state);
    bool decoded = length != (size_t)-1 && length != (size_t)-2;
    int width = decoded && !text_controls((unsigned long)wide) ? wcwidth(wide) : -1;
    if (before != NULL)
        uselocale(before);
    *character = width >= 0 ? (struct screen_character){*text, length, (size_t)width}
                            : (struct screen_character){"?", 1, 1};
    *text += decoded ? length : 1;
    return true;
}

size_t screen_columns(const char *text) {
    struct screen_character character;
    size_t width = 0;
    while (screen_character_next(&text, &character))
        width += character.columns;
    return width;
}

size_t screen_print(FILE *stream, const char *text, size_t width) {
    bool cut = width > 0 && screen_columns(text) > width;
    size_t room = cut ? width - 1 : SIZE_MAX, used = 0;
    struct screen_character character;
    while (screen_character_next(&text, &character) && used + character.columns <= room) {
        fwrite(character.text, 1, character.length, stream);
        used += character.columns;
    }
    if (cut) {
        fputs("…", stream);
        used++;
    }
    return used;
}

char *screen_squeeze(const char *text, size_t width) {
    struct screen_character character;
    struct text squeezed = {0};
    size_t all = screen_columns(text), at = 0;
    bool cut = width > 0 && all > width, marked = false;
    size_t front = cut ? width / 2 : all, back = cut ? width - 1 - front : 0;
    text_add(&squeezed, "", 0);
    while (screen_character_next(&text, &character)) {
        at += character.columns;
        if (at <= front || (at > all - back && at - character.columns >= all - back)) {
            text_add(&squeezed, character.text, character.length);
        } else if (!marked) {
            text_add(&squeezed, "…", strlen("…"));
            marked = true;
        }
    }
    return text_take(&squeezed);
}

/* The cursor stands behind the indent of the first line. */
static void wrap(const struct screen *screen, size_t indent, size_t width, const char *text) {
    size_t room = width > indent ? width - indent : 1, used = 0;
    text += strspn(text, " ");
    while (*text != '\0') {
        size_t length = strcspn(text, " \n");
        char *word = strndup(text, length);
        size_t columns = word != NULL ? screen_columns(word) : length;
        bool fits = used + 1 + columns <= room;
        if (used > 0) {
            fprintf(screen->stream, "%s%*s", fits ? "" : "\n", fits ? 1 : (int)indent, "");
            used = fits ? used + 1 : 0;
        }
        fwrite(text, 1, length, screen->stream);
        used += columns;
        free(word);
        text += length;
        if (*text == '\n') {
            fprintf(screen->stream, "\n%*s", (int)indent, "");
            used = 0;
            text++;
        }
        text += strspn(text, " ");
    }
    putc('\n', screen->stream);
}

void screen_wrap_rest(const struct screen *screen, size_t indent, const char *text) {
    if (screen->width > 0)
        wrap(screen, indent, screen->width, text);
    else
        fprintf(screen->stream, "%s\n", text);
}

void screen_wrap(const struct screen *screen, size_t indent, const char *text) {
    fprintf(screen->stream, "%*s", (int)indent, "");
    wrap(screen, indent, screen->width > 0 ? screen->width : 80, text);
}
