/* assay doctor: what this machine has, and what is missing to train on it.
 *
 * Everything is gathered into one JSON document, which --json prints and the screen shows line by
 * line. SQLite, oneDNN and the CUDA driver are not linked here; they are asked through dlopen, as
 * the programs that need them would find them.
 */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/screen.h"
#include "core/home.h"
#include "core/machine.h"

#include <cairo.h>
#include <dlfcn.h>
#include <limits.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zmq.h>

enum { COORDINATOR_MS = 1000 }; /* one that runs answers in a few */

static const struct command_line line = {
    .help =
        "Says what this machine has and what is missing to train on it. Exits 1 when something is "
        "missing that every worker or coordinator needs; a coordinator that does not run and a GPU "
        "that is not there are said and are no fault."
        "\vExample:\n  assay doctor --json",
    .shared = COMMAND_CONNECT | COMMAND_JSON};

static void add_text(cJSON *object, const char *key, const char *text) {
    if (text != NULL)
        cJSON_AddStringToObject(object, key, text);
    else
        cJSON_AddNullToObject(object, key);
}

/* Each program's path, null when it does not stand beside this one. */
static void look_at_programs(cJSON *document) {
    static const char *const names[] = {"assay-coordinator", "assay-worker"};
    cJSON *programs = cJSON_AddObjectToObject(document, "programs");
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_MAX];
        bool there = program_path(names[i], path, sizeof path, NULL) && access(path, X_OK) == 0;
        add_text(programs, names[i], there ? path : NULL);
    }
}

static const char *sqlite_version(void *library, char text[FORMAT_SIZE]) {
    const char *(*version)(void) = NULL;
    *(void **)&version = dlsym(library, "sqlite3_libversion");
    snprintf(text, FORMAT_SIZE, "%s", version != NULL ? version() : "of unknown version");
    return text;
}

static const char *onednn_version(void *library, char text[FORMAT_SIZE]) {
    /* The beginning of dnnl_version_t, the same in oneDNN 1 to 3. */
    const struct { int major, minor, patch; } * (*version)(void) = NULL, *found;
    *(void **)&version = dlsym(library, "dnnl_version");
    found = version != NULL ? version() : NULL;
    if (found != NULL)
        snprintf(text, FORMAT_SIZE, "%d.%d.%d", found->major, found->minor, found->patch);
    else
        snprintf(text, FORMAT_SIZE, "of unknown version");
    return text;
}

static void look_up_library(cJSON *libraries, const char *name, const char *file,
                            const char *(*version)(void *library, char text[FORMAT_SIZE])) {
    char text[FORMAT_SIZE];
    void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    add_text(libraries, name, library != NULL ? version(library, text) : NULL);
    if (library != NULL)
        dlclose(library);
}

static void look_at_libraries(cJSON *document) {
    cJSON *libraries = cJSON_AddObjectToObject(document, "libraries");
    char text[FORMAT_SIZE];
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
    add_text(libraries, "ZeroMQ", text);
    add_text(libraries, "cJSON", cJSON_Version());
    add_text(libraries, "libpng", png_get_libpng_ver(NULL));
    add_text(libraries, "cairo", cairo_version_string());
    look_up_library(libraries, "SQLite", "libsqlite3.so.0", sqlite_version);
    look_up_library(libraries, "oneDNN", ONEDNN_FILE, onednn_version);
}

static double available_memory(void) {
    double kib = -1;
    char text[256];
    FILE *file = fopen("/proc/meminfo", "r");
    while (file != NULL && kib < 0 && fgets(text, sizeof text, file) != NULL)
        if (strncmp(text, "MemAvailable:", 13) == 0)
            kib = strtod(text + 13, NULL);
    if (file != NULL)
        fclose(file);
    return kib < 0 ? 0 : kib * 1024;
}

static void look_at_processor(cJSON *machine) {
    cJSON *isa = cJSON_AddArrayToObject(machine, "isa");
#if defined(__x86_64__)
    __builtin_cpu_init();
    const struct {
        const char *name;
        bool there;
    } extensions[] = {
        {"sse4.1", __builtin_cpu_supports("sse4.1")},
        {"avx2", __builtin_cpu_supports("avx2")},
        {"fma", __builtin_cpu_supports("fma")},
        {"avx512f", __builtin_cpu_supports("avx512f")},
        {"avx512vnni", __builtin_cpu_supports("avx512vnni")},
    };
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (extensions[i].there)
            cJSON_AddItemToArray(isa, cJSON_CreateString(extensions[i].name));
#else
    (void)isa; /* none of them */
#endif
}

static void look_at_machine(cJSON *document) {
    cJSON *machine = cJSON_AddObjectToObject(document, "machine");
    char host[MACHINE_HOST_SIZE];
    machine_host(host);
    cJSON_AddStringToObject(machine, "host", host);
    cJSON_AddNumberToObject(machine, "cores", (double)machine_cores());
    look_at_processor(machine);
    cJSON_AddNumberToObject(machine, "memory_bytes", (double)machine_memory_bytes());
    cJSON_AddNumberToObject(machine, "memory_available_bytes", available_memory());
}

/* The folder need not be there yet: then the nearest one above it counts, where it would be made.
 */
static void look_at_home(cJSON *document) {
    cJSON *home = cJSON_AddObjectToObject(document, "home");
    char *path = NULL, above[PATH_MAX];
    struct statvfs disk;
    struct stat status;
    if (!home_folder(&path, NULL)) {
        cJSON_AddNullToObject(home, "path");
        cJSON_AddBoolToObject(home, "writable", false);
        return;
    }
    cJSON_AddStringToObject(home, "path", path);
    snprintf(above, sizeof above, "%s", path);
    /* a link to what is not there stands in the way of what would be made */
    while (lstat(above, &status) != 0 && strcmp(above, ".") != 0) {
        char *slash = strrchr(above, '/');
        if (slash != NULL)
            slash[slash == above ? 1 : 0] = '\0';
        else
            snprintf(above, sizeof above, ".");
    }
    bool known = statvfs(above, &disk) == 0;
    cJSON_AddBoolToObject(home, "writable",
                          stat(above, &status) == 0 && S_ISDIR(status.st_mode) &&
                              access(above, W_OK | X_OK) == 0);
    cJSON_AddNumberToObject(home, "free_bytes",
                            known ? (double)disk.f_bavail * (double)disk.f_frsize : 0);
    free(path);
}

/* What the worker says that it could compute on: [{"backend", "usable", "device"}]. */
static void look_at_devices(cJSON *document) {
    static const char *const arguments[] = {"devices", "--json", NULL};
    char text[4096];
    cJSON *devices =
        program_output("assay-worker", arguments, text, sizeof text) ? cJSON_Parse(text) : NULL;
    cJSON_AddItemToObject(document, "devices", devices != NULL ? devices : cJSON_CreateArray());
}

static void look_for_coordinator(const struct command_input *input, cJSON *document) {
    struct command_input asked = *input;
    struct error error = {0};
    cJSON *answer = NULL, *coordinator = cJSON_AddObjectToObject(document, "coordinator");
    if (asked.timeout_ms > COORDINATOR_MS)
        asked.timeout_ms = COORDINATOR_MS;
    bool answers = client_ask_once(&asked, "status", NULL, "coordinator", &answer, &error);
    cJSON_AddStringToObject(coordinator, "endpoint", input->connect);
    cJSON_AddBoolToObject(coordinator, "answers", answers);
    add_text(coordinator, "error", answers ? NULL : error.message);
    cJSON_AddItemToObject(coordinator, "status", answers ? answer : cJSON_CreateNull());
}

/* Whether everything is there that a coordinator and a worker need. */
static bool healthy(const cJSON *document) {
    const cJSON *item;
    cJSON_ArrayForEach(item, field_at(document, "programs")) {
        if (cJSON_IsNull(item))
            return false;
    }
    cJSON_ArrayForEach(item, field_at(document, "libraries")) {
        if (cJSON_IsNull(item))
            return false;
    }
    return cJSON_IsTrue(field_at(document, "home.writable"));
}

static void print_row(const struct screen *screen, const char *what, bool good, const char *text) {
    enum style style = good ? STYLE_PLAIN : STYLE_BAD;
    printf("%-18s %s%s%s\n", what, screen_on(screen, style), text, screen_off(screen, style));
}

static void print_found(const struct screen *screen, const cJSON *object, const char *missing) {
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        print_row(screen, item->string, cJSON_IsString(item),
                  cJSON_IsString(item) ? item->valuestring : missing);
    }
}

static void print_machine(const cJSON *document) {
    char total[FORMAT_SIZE], left[FORMAT_SIZE];
    const cJSON *item;
    double cores = field_number(document, "machine.cores", 0);
    const char *before = ", ";
    printf("%-18s %s, %.0f %s", "machine", field_text(document, "machine.host", "?"), cores,
           cores > 1 ? "cores" : "core");
    cJSON_ArrayForEach(item, field_at(document, "machine.isa")) {
        printf("%s%s", before, item->valuestring);
        before = " ";
    }
    format_bytes(total, (uint64_t)field_number(document, "machine.memory_bytes", 0));
    format_bytes(left, (uint64_t)field_number(document, "machine.memory_available_bytes", 0));
    printf("\n%-18s %s, %s of it available\n", "memory", total, left);
}

static void print_home(const struct screen *screen, const cJSON *document) {
    char left[FORMAT_SIZE], text[PATH_MAX + FORMAT_SIZE];
    const char *path = field_text(document, "home.path", NULL);
    bool writable = cJSON_IsTrue(field_at(document, "home.writable"));
    format_bytes(left, (uint64_t)field_number(document, "home.free_bytes", 0));
    if (path == NULL)
        snprintf(text, sizeof text, "not known; set HOME or ASSAY_HOME");
    else if (writable)
        snprintf(text, sizeof text, "%s, %s free", path, left);
    else
        snprintf(text, sizeof text, "%s cannot be written; set ASSAY_HOME elsewhere", path);
    print_row(screen, "ASSAY_HOME", writable, text);
}

static void print_devices(const cJSON *document) {
    const cJSON *item;
    cJSON_ArrayForEach(item, field_at(document, "devices")) {
        char name[FORMAT_SIZE];
        snprintf(name, sizeof name, "backend %s", field_text(item, "backend", "?"));
        printf("%-18s %s%s\n", name,
               cJSON_IsTrue(field_at(item, "usable")) ? "" : "cannot be used: ",
               field_text(item, "device", "?"));
    }
}

static void print_document(const cJSON *document) {
    struct screen screen = screen_of(stdout);
    print_row(&screen, "assay", true, ASSAY_VERSION);
    print_found(&screen, field_at(document, "programs"), "missing beside assay; build it again");
    print_found(&screen, field_at(document, "libraries"), "missing; scripts/setup installs it");
    print_machine(document);
    print_home(&screen, document);
    print_devices(document);
    const cJSON *status = field_at(document, "coordinator.status");
    if (status != NULL)
        printf("%-18s version %s at %s: %.0f queued, %.0f running\n", "coordinator",
               field_text(status, "version", "?"),
               field_text(document, "coordinator.endpoint", "?"), field_number(status, "queued", 0),
               field_number(status, "running", 0));
    else /* none runs there, or keys, endpoint or name are not right */
        print_row(&screen, "coordinator", true, field_text(document, "coordinator.error", "?"));
    puts(cJSON_IsTrue(field_at(document, "healthy")) ? "everything needed is there"
                                                     : "something needed is missing");
}

int command_doctor(int argc, char **argv) {
    struct command_input input;
    int status;
    if (!command_parse(&line, argc, argv, NULL, &input, &status))
        return status;
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "version", ASSAY_VERSION);
    look_at_programs(document);
    look_at_libraries(document);
    look_at_machine(document);
    look_at_home(document);
    look_at_devices(document);
    look_for_coordinator(&input, document);
    cJSON_AddBoolToObject(document, "healthy", healthy(document));
    status = healthy(document) ? 0 : ERROR_FAILED;
    if (!input.json) {
        field_clean(document); /* a coordinator says of itself what it likes */
        print_document(document);
    } else if (!output_json(document))
        status = ERROR_FAILED;
    cJSON_Delete(document);
    return status;
}
