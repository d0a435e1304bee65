#include "worker/devices.h"

#include "core/json.h"
#include "core/standard.h"
#include "worker/nn/backend.h"
#include "worker/options.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

struct devices_options {
    int device;
    bool json;
};

enum { KEY_DEVICE = 0x1000, KEY_JSON };

static const struct argp_option devices_table[] = {
    {"device", KEY_DEVICE, "N", 0, "Which GPU (default: 0)", 0},
    {"json", KEY_JSON, NULL, 0, "As JSON, on one line", 0},
    OPTIONS_HELP,
    {0},
};

static error_t devices_parse(int key, char *text, struct argp_state *state) {
    struct devices_options *options = state->input;
    switch (key) {
    case KEY_DEVICE: return options_device(state, text, &options->device);
    case KEY_JSON: options->json = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static cJSON *describe(int device) {
    cJSON *list = cJSON_CreateArray();
    const char *name;
    bool usable;
    char what[256];
    for (size_t i = 0; backend_describe(i, device, &name, &usable, what, sizeof what); i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "backend", name);
        cJSON_AddBoolToObject(item, "usable", usable);
        cJSON_AddStringToObject(item, "device", what);
        json_append(list, item);
    }
    return list;
}

static void print_lines(const cJSON *list) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        const char *what = cJSON_GetObjectItem(item, "device")->valuestring;
        bool usable = cJSON_IsTrue(cJSON_GetObjectItem(item, "usable"));
        printf("%-5s %s%s\n", cJSON_GetObjectItem(item, "backend")->valuestring,
               usable ? "" : "cannot be used: ", what);
    }
}

int devices_main(int argc, char **argv) {
    static const struct argp argp = {
        .options = devices_table,
        .parser = devices_parse,
        .doc = "Say what could compute here, in the order in which --backend auto tries it: each "
               "backend with its device, driver, libraries and memory, or why it cannot be used."};
    struct devices_options options = {0};
    int code = 0;
    if (!options_parse(&argp, "assay-worker devices", argc, argv, &options, &code))
        return code;
    cJSON *list = describe(options.device);
    char *text = json_text(list); /* NULL where the list lacks something, and for lines too */
    if (text == NULL)
        standard_complain("out of memory");
    else if (options.json)
        puts(text);
    else
        print_lines(list);
    code = text == NULL ? ERROR_FAILED : 0;
    free(text);
    cJSON_Delete(list);
    return code;
}
