#include "core/standard.h"

#include "core/error.h"
#include "core/shortage.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void standard_open(void) {
    /* stdout for reading alone, so that writing to it still fails */
    static const int modes[] = {
        [STDIN_FILENO] = O_RDONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) /* open takes the lowest that is free */
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd]) != fd)
            break;
    signal(SIGCHLD, SIG_DFL);
}

void standard_complain(const char *format, ...) {
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length >= 0)
        text_one_line(line);
    fflush(stdout); /* what was printed before comes before */
    fprintf(stderr, "assay: %s\n", length >= 0 ? line : "out of memory");
    if (length >= 0)
        free(line);
}

void standard_outlast_readers(void) {
    signal(SIGPIPE, SIG_IGN);
}

bool standard_redraws(FILE *stream) {
    const char *term = getenv("TERM");
    int descriptor = fileno(stream); /* -1: in memory */
    return descriptor >= 0 && isatty(descriptor) && term != NULL && term[0] != '\0' &&
           strcmp(term, "dumb") != 0;
}

void standard_size(FILE *stream, size_t *columns, size_t *rows) {
    struct winsize size = {0};
    bool known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    *columns = known ? size.ws_col : 0;
    *rows = known ? size.ws_row : 0;
}

int standard_finish(int code) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        if (code != 0 || !shortage_ever())
            return code;
        fputs("assay: out of memory: something is missing in what was printed or written\n",
              stderr);
        return ERROR_FAILED;
    }
    if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
        fputs("assay: stdout is closed, so nothing was printed\n", stderr);
    else
        fprintf(stderr, "assay: cannot write to stdout%s%s\n", errno != 0 ? ": " : "",
                errno != 0 ? strerror(errno) : ""); /* 0: it failed earlier */
    clearerr(stdout);                               /* it is said once */
    return code == 0 ? ERROR_FAILED : code;
}
