#include "core/rules.h"

#include "core/arch.h"
#include "core/json.h"
#include "core/place.h"
#include "core/words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool rules_sound(const cJSON *value, const char *place, const struct faults *faults, size_t first) {
    if (faults->more) /* it may be there */
        return false;
    for (size_t i = first; i < faults->count; i++)
        if (place_below(faults->items[i].place, place) != NULL)
            return false;
    return value != NULL;
}

const char *rules_unprintable(const char *name) {
    size_t length = strlen(name), step;
    if (length > 0 && (name[0] == ' ' || name[length - 1] == ' '))
        return "begins or ends with a space";
    for (; *name != '\0'; name += step) {
        unsigned long code;
        step = utf8_decode(name, &code);
        if (step == 0)
            return "is not UTF-8";
        if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            return "holds a control character";
        if (text_controls(code))
            return "holds a format character, which nobody sees";
    }
    return NULL;
}

static void check_name(const cJSON *name, struct faults *faults) {
    const char *reason = rules_unprintable(name->valuestring);
    if (reason != NULL)
        faults_add(faults, "name", "%s; take it out", reason);
    if (strchr(name->valuestring, '/') != NULL)
        faults_add(faults, "name",
                   "holds a slash, which parts an ablation from its member; use another character");
}

/* --- classes --- */

/* A dir names a folder below the root: "real", "test/real"; so two spellings are two folders. */
static const char *dir_fault(const char *dir) {
    if (dir[0] == '/')
        return "is an absolute path; name a folder inside data.root";
    for (const char *part = dir;; part++) {
        size_t length = strcspn(part, "/");
        if (length == 2 && memcmp(part, "..", 2) == 0)
            return "leaves data.root with \"..\"; name a folder inside it";
        if (length == 0 || (length == 1 && part[0] == '.'))
            return "has an empty or \".\" part; take it out";
        part += length;
        if (*part == '\0')
            return NULL;
    }
}

/* The class of an earlier index that has the same text under `key`; classes' count when there is
 * none. */
static size_t twin_of(const cJSON *classes, const cJSON *class, const char *key) {
    const char *text = cJSON_GetStringValue(json_member(class, key));
    size_t index = 0;
    for (const cJSON *one = classes->child; one != class; one = one->next, index++) {
        const char *other = cJSON_GetStringValue(json_member(one, key));
        if (other != NULL && strcmp(other, text) == 0)
            return index;
    }
    return (size_t)cJSON_GetArraySize(classes);
}

/* The text under `key`, "name" or "dir": what is wrong with it alone, or that an earlier class has
 * it too, which is a fault of the later one. */
static void check_class_text(const cJSON *classes, const cJSON *class, const char *key,
                             struct text *place, struct faults *faults, size_t first) {
    const cJSON *value = json_member(class, key);
    const bool is_name = key[0] == 'n';
    size_t length = place->length;
    place_add_key(place, key);
    if (rules_sound(value, text_string(place), faults, first)) {
        const char *text = value->valuestring;
        const char *reason = is_name ? rules_unprintable(text) : dir_fault(text);
        size_t twin = twin_of(classes, class, key);
        if (reason != NULL && is_name)
            faults_add(faults, text_string(place), "%s; take it out", reason);
        else if (reason != NULL)
            faults_add(faults, text_string(place), "\"%.100s\" %s", text, reason);
        if (twin < (size_t)cJSON_GetArraySize(classes))
            faults_add(faults, text_string(place), "\"%.100s\" is the %s of class %zu already; %s",
                       text, key, twin + 1,
                       is_name ? "give each class its own" : "give each class its own folder");
    }
    place_cut(place, length);
}

static void check_labels(const cJSON *classes, struct faults *faults) {
    bool labels[2] = {false, false};
    for (const cJSON *one = classes->child; one != NULL; one = one->next)
        labels[json_member(one, "label")->valueint] = true;
    for (int label = 0; label < 2; label++)
        if (!labels[label])
            faults_add(faults, "data.classes",
                       "no class has the label %d; both 0 and 1 are needed to tell them apart",
                       label);
}

static void check_classes(const cJSON *classes, struct faults *faults, size_t first) {
    struct text place = {0};
    size_t index = 0, length;
    bool sound = rules_sound(classes, "data.classes", faults, first);
    text_format(&place, "data.classes");
    length = place.length;
    for (const cJSON *one = classes->child; one != NULL; one = one->next) {
        place_add_index(&place, index++);
        check_class_text(classes, one, "name", &place, faults, first);
        check_class_text(classes, one, "dir", &place, faults, first);
        place_cut(&place, length);
    }
    if (sound)
        check_labels(classes, faults);
    text_free(&place);
}

static void check_upsample(const cJSON *upsample, const cJSON *classes, struct faults *faults) {
    size_t count = 0;
    const char **names = calloc((size_t)cJSON_GetArraySize(classes) + 1, sizeof *names);
    struct text place = {0}, list = {0};
    text_format(&place, "data.upsample");
    size_t length = place.length;
    if (names == NULL)
        faults_add_memory(faults, "data.upsample", "check it");
    for (const cJSON *one = classes->child; names != NULL && one != NULL; one = one->next) {
        names[count++] = json_member(one, "name")->valuestring;
        text_format(&list, "%s%s", count > 1 ? ", " : "", names[count - 1]);
    }
    for (const cJSON *one = upsample->child; names != NULL && one != NULL; one = one->next) {
        size_t i = 0;
        while (i < count && strcmp(names[i], one->string) != 0)
            i++;
        if (i < count)
            continue;
        const char *nearest = nearest_word(one->string, names, count);
        place_add_key(&place, one->string);
        if (nearest != NULL)
            faults_add(faults, text_string(&place),
                       "unknown class \"%.100s\"; did you mean \"%s\"?", one->string, nearest);
        else
            faults_add(faults, text_string(&place), "unknown class \"%.100s\"; known: %s",
                       one->string, list.data);
        place_cut(&place, length);
    }
    text_free(&list);
    text_free(&place);
    free(names);
}

/* --- model and training --- */

/* What torchvision's ResNets are made of, whatever their depth, and the last layer. */
static const char *const stages[] = {"conv1",  "bn1",    "layer1", "layer2",
                                     "layer3", "layer4", "fc",     "head"};
enum { STAGES = sizeof stages / sizeof stages[0] };

/* The stage that the name ("layer4.2.conv1") begins with; STAGES when there is none. */
static size_t stage_of(const char *name) {
    size_t i = 0, length = strcspn(name, ".");
    while (i < STAGES && (strlen(stages[i]) != length || memcmp(stages[i], name, length) != 0))
        i++;
    return i;
}

static void unknown_stage(const char *place, const char *name, struct faults *faults) {
    const char *nearest = nearest_word(name, stages, STAGES);
    if (nearest != NULL)
        faults_add(faults, place, "unknown stage \"%.100s\"; did you mean \"%s\"?", name, nearest);
    else
        faults_add(faults, place,
                   "unknown stage \"%.100s\"; known: conv1, bn1, layer1 to layer4, fc, head", name);
}

/* A name that begins with a stage is a part of the network, or one of its parameters. */
static void check_part(const char *place, const char *name, const struct arch *arch,
                       bool parameters, struct faults *faults) {
    static const char *const endings[] = {".weight", ".bias", ".running_mean", ".running_var"};
    struct arch_parts parts;
    char layer[ARCH_PART_SIZE], *parameter = NULL;
    snprintf(layer, sizeof layer, "%s", name);
    char *last = strrchr(layer, '.');
    for (size_t i = 0; parameters && i < sizeof endings / sizeof *endings; i++)
        if (parameter == NULL && last != NULL && strcmp(last, endings[i]) == 0) {
            *last = '\0';
            parameter = last + 1;
        }
    if (!arch_parts_make(arch, &parts))
        return; /* the worker looks again */
    bool there = arch_parts_have(&parts, layer);
    if (!there || (parameter != NULL && !arch_part_has(layer, parameter))) {
        const char *nearest = there ? layer : arch_parts_nearest(&parts, name);
        if (nearest == NULL) { /* what it begins with: at the least its stage */
            while (!arch_parts_have(&parts, layer))
                *strrchr(layer, '.') = '\0';
            nearest = layer;
        }
        faults_add(faults, place, "%s has no layer \"%.100s\"; did you mean \"%s\"?", arch->name,
                   name, nearest);
    }
    arch_parts_free(&parts);
}

/* Whole stages of the list, as bits. Names of what the network (NULL: not known) does not have are
 * faults. */
static unsigned check_parts(const cJSON *list, const char *key, const struct arch *arch,
                            struct faults *faults) {
    struct text place = {0};
    unsigned whole = 0;
    size_t index = 0;
    text_format(&place, "model.%s", key);
    size_t length = place.length;
    for (const cJSON *one = list->child; one != NULL; one = one->next, index++) {
        const char *name = one->valuestring;
        size_t stage = stage_of(name);
        place_add_index(&place, index);
        if (stage == STAGES)
            unknown_stage(text_string(&place), name, faults);
        else if (strcmp(stages[stage], name) == 0)
            whole |= 1U << stage;
        else if (arch != NULL)
            check_part(text_string(&place), name, arch, strcmp(key, "fresh") == 0, faults);
        place_cut(&place, length);
    }
    text_free(&place);
    return whole;
}

static void check_freeze(const cJSON *freeze, const struct arch *arch, struct faults *faults) {
    if (check_parts(freeze, "freeze", arch, faults) == (1U << STAGES) - 1)
        faults_add(faults, "model.freeze",
                   "nothing is left to train; leave out at least one stage, such as \"head\"");
}

/* Of sgd, as torch.optim.SGD refuses it. */
static void check_nesterov(const cJSON *optimizer, struct faults *faults) {
    const cJSON *momentum = json_member(optimizer, "momentum");
    if (momentum != NULL && momentum->valuedouble == 0 &&
        cJSON_IsTrue(json_member(optimizer, "nesterov")))
        faults_add(faults, "train.optimizer.nesterov",
                   "needs a momentum; set train.optimizer.momentum, to 0.9 say");
}

/* Of cosine, whose rate must not rise but in the warm-up. train.epochs and train.optimizer are
 * sound. */
static void check_cosine(const cJSON *train, const cJSON *scheduler, struct faults *faults) {
    const cJSON *warmup = json_member(scheduler, "warmup_epochs"),
                *least = json_member(scheduler, "min_lr");
    double epochs = json_member(train, "epochs")->valuedouble;
    double lr = json_member(json_member(train, "optimizer"), "lr")->valuedouble;
    if (warmup == NULL)
        return;
    if (warmup->valuedouble >= epochs)
        faults_add(faults, "train.scheduler.warmup_epochs",
                   "%.0f epochs of warm-up leave none of the %.0f of train.epochs; make them fewer",
                   warmup->valuedouble, epochs);
    if (least->valuedouble > lr)
        faults_add(faults, "train.scheduler.min_lr",
                   "%g is more than the optimizer's lr of %g; make it less", least->valuedouble,
                   lr);
}

/* --- the rest --- */

static void check_precision(const char *precision, const char *backend, struct faults *faults) {
    if (strcmp(precision, "fp32") != 0 && strcmp(backend, "cpu") == 0)
        faults_add(faults, "train.precision",
                   "a CPU computes in fp32 alone, not in %s; take \"fp32\", or \"cuda\" for "
                   "resources.backend",
                   precision);
}

/* Of a config whose train.epochs and `stop` are sound. */
static void check_stop(const cJSON *train, const cJSON *stop, struct faults *faults) {
    const cJSON *grace = json_member(stop, "grace_epochs");
    double epochs = json_member(train, "epochs")->valuedouble;
    if (grace != NULL && grace->valuedouble >= epochs)
        faults_add(faults, "stop.grace_epochs",
                   "%.0f epochs leave none of the %.0f of train.epochs to stop at; make it less",
                   grace->valuedouble, epochs);
}

static void check_split(const cJSON *split, struct faults *faults) {
    double sum = json_member(split, "train")->valuedouble +
                 json_member(split, "valid")->valuedouble + json_member(split, "test")->valuedouble;
    if (fabs(sum - 1) > 1e-9)
        faults_add(faults, "data.split", "train, valid and test sum to %.10g; they must sum to 1",
                   sum);
}

void rules_check_written(const cJSON *config, struct faults *faults) {
    const cJSON *data = json_member(config, "data"), *files = json_member(data, "files");
    if (!cJSON_IsObject(data))
        return;
    if (files == NULL && json_member(data, "classes") == NULL)
        faults_add(faults, "data", "\"classes\" is missing; add it");
    if (files != NULL && json_member(data, "split") != NULL)
        faults_add(faults, "data.split",
                   "the lists of data.files are split already; take one of the two out");
}

void rules_check(const cJSON *config, struct faults *faults, size_t first) {
    const cJSON *name = json_member(config, "name"), *data = json_member(config, "data");
    const cJSON *classes = json_member(data, "classes"), *split = json_member(data, "split");
    const cJSON *upsample = json_member(data, "upsample");
    const cJSON *model = json_member(config, "model"), *train = json_member(config, "train");
    const cJSON *epochs = json_member(train, "epochs"), *stop = json_member(config, "stop");
    const cJSON *optimizer = json_member(train, "optimizer");
    const cJSON *scheduler = json_member(train, "scheduler");
    const cJSON *fresh = json_member(model, "fresh"), *freeze = json_member(model, "freeze");
    const cJSON *precision = json_member(train, "precision");
    const cJSON *backend = json_member(json_member(config, "resources"), "backend");
    const cJSON *depth = json_member(model, "arch");
    const struct arch *arch =
        rules_sound(depth, "model.arch", faults, first) ? arch_find(depth->valuestring) : NULL;
    bool sound_classes = rules_sound(classes, "data.classes", faults, first);
    if (rules_sound(name, "name", faults, first))
        check_name(name, faults);
    if (cJSON_IsArray(classes))
        check_classes(classes, faults, first);
    if (rules_sound(split, "data.split", faults, first))
        check_split(split, faults);
    /* Beside split files there may be other classes than these: core/split_files.c looks. */
    if (sound_classes && json_member(data, "files") == NULL && cJSON_IsObject(upsample))
        check_upsample(upsample, classes, faults);
    if (rules_sound(fresh, "model.fresh", faults, first))
        check_parts(fresh, "fresh", arch, faults);
    if (rules_sound(freeze, "model.freeze", faults, first))
        check_freeze(freeze, arch, faults);
    bool sound_epochs = rules_sound(epochs, "train.epochs", faults, first);
    bool sound_optimizer = rules_sound(optimizer, "train.optimizer", faults, first);
    if (sound_optimizer)
        check_nesterov(optimizer, faults);
    if (sound_epochs && sound_optimizer && rules_sound(scheduler, "train.scheduler", faults, first))
        check_cosine(train, scheduler, faults);
    if (sound_epochs && rules_sound(stop, "stop", faults, first))
        check_stop(train, stop, faults);
    if (rules_sound(precision, "train.precision", faults, first) &&
        rules_sound(backend, "resources.backend", faults, first))
        check_precision(precision->valuestring, backend->valuestring, faults);
    if (json_member(config, "matrix") != NULL)
        faults_add(faults, "matrix", "a single experiment has no matrix; take it out");
}
