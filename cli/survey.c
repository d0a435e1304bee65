#include "cli/survey.h"

#include "core/picture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool survey_sounds_real(const char *name) {
    static const char *const words[] = {"real", "original", "genuine", "pristine", "authentic"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(name, words[i]) != NULL)
            return true;
    return false;
}

static int is_picture(const struct dirent *entry) {
    return entry->d_name[0] != '.' && picture_named(entry->d_name);
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void free_names(struct dirent **names, int count) {
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* Of `count` names in the folder those of files come first, in their order: a folder is no picture,
 * and of a pipe the reading would never end. A link to nothing is a broken picture. Returns how
 * many these are. */
static size_t files_first(int folder, struct dirent **names, int count) {
    size_t files = 0;
    for (int i = 0; i < count; i++) {
        struct stat status;
        struct dirent *name = names[i];
        if (fstatat(folder, name->d_name, &status, 0) == 0 && !S_ISREG(status.st_mode))
            continue;
        names[i] = names[files];
        names[files++] = name;
    }
    return files;
}

/* False when it is not the picture that is broken, but this process short of something. */
static bool sample(const char *path, struct survey_class *class, struct error *error) {
    struct image image = {0};
    class->sampled++;
    if (!picture_read(path, &image, error)) {
        class->broken++;
        return !error_is_shortage(error);
    }
    int side = image.width < image.height ? image.width : image.height;
    if (class->least == 0 || side < class->least)
        class->least = side;
    if (side > class->most)
        class->most = side;
    image_free(&image);
    return true;
}

/* False without memory. A folder that cannot be read, or is none, is a class without pictures. */
static bool look(const char *root, const char *name, struct survey_class *class,
                 struct error *error) {
    struct dirent **names = NULL;
    char *folder = NULL;
    *class = (struct survey_class){.name = strdup(name)};
    if (class->name == NULL || asprintf(&folder, "%s/%s", root, name) < 0)
        return error_memory(error);
    int count = scandir(folder, &names, is_picture, alphasort);
    int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = true;
    if (opened < 0) {
        error_errno(error, ERROR_INPUT, "cannot read %s", folder);
        good = !error_is_shortage(error);
    }
    class->pictures = opened >= 0 ? files_first(opened, names, count) : 0;
    size_t wanted = class->pictures < SURVEY_SAMPLE ? class->pictures : SURVEY_SAMPLE;
    for (size_t i = 0; good && i < wanted; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", folder, names[i * class->pictures / wanted]->d_name) < 0) {
            good = error_memory(error);
            break;
        }
        good = sample(path, class, error);
        free(path);
    }
    if (opened >= 0)
        close(opened);
    free_names(names, count);
    free(folder);
    return good;
}

/* The first folder in `name` of `root` that has a picture, "NAME/FOLDER"; NULL without any. */
static bool look_below(const char *root, const char *name, char **below, struct error *error) {
    struct dirent **names = NULL;
    char *folder = NULL;
    if (asprintf(&folder, "%s/%s", root, name) < 0)
        return error_memory(error);
    int count = scandir(folder, &names, is_visible, alphasort);
    bool good = true;
    for (int i = 0; good && *below == NULL && i < count; i++) {
        struct survey_class class;
        good = look(folder, names[i]->d_name, &class, error);
        if (good && class.pictures > 0 && asprintf(below, "%s/%s", name, class.name) < 0) {
            *below = NULL;
            good = error_memory(error);
        }
        free(class.name);
    }
    free_names(names, count);
    free(folder);
    return good;
}

bool survey_make(const char *root, struct survey *survey, struct error *error) {
    struct dirent **names = NULL;
    int count = scandir(root, &names, is_visible, alphasort);
    bool good = true;
    *survey = (struct survey){0};
    if (count < 0)
        return error_errno(error, ERROR_INPUT, "cannot read the folder %s", root);
    survey->classes = calloc((size_t)count + 1, sizeof *survey->classes);
    good = survey->classes != NULL || error_memory(error);
    for (int i = 0; good && i < count; i++) {
        struct survey_class *class = &survey->classes[survey->count];
        good = look(root, names[i]->d_name, class, error);
        if (good && class->pictures > 0)
            survey->count++;
        else
            free(class->name);
    }
    for (int i = 0; good && survey->count == 0 && survey->below == NULL && i < count; i++)
        good = look_below(root, names[i]->d_name, &survey->below, error);
    free_names(names, count);
    return good;
}

void survey_free(struct survey *survey) {
    for (size_t i = 0; i < survey->count; i++)
        free(survey->classes[i].name);
    free(survey->classes);
    free(survey->below);
    *survey = (struct survey){0};
}

int survey_least(const struct survey *survey) {
    int least = 0;
    for (size_t i = 0; i < survey->count; i++)
        if (survey->classes[i].least > 0 && (least == 0 || survey->classes[i].least < least))
            least = survey->classes[i].least;
    return least;
}
