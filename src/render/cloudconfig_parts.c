/* SPDX-License-Identifier: Apache-2.0 */
#include "render/cloudconfig_parts.h"

#include "base/buf.h"
#include "base/map.h"
#include "model/address.h"

#include <inttypes.h>

#define DISK_PERCENT 100
#define MBR_PARTITIONS_MAX 4
#define MOUNT_FIELDS 6

static unsigned type_of(const struct yaml_node *y)
{
    const char *why;
    return inspect_type(y, &why);
}

static const struct yaml_node *get(const struct field_at *at, const char *key)
{
    return yaml_get(at->y, str_from(key));
}

/* --- Rules for texts ----------------------------------------------------------------------- */

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_digits(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    }
    return text.n > 0;
}

const char *cloudconfig_rule_hostname(struct str text)
{
    if (text.n == 0 || text.n > 253)
        return "is not a host name: 1 to 253 characters";
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!is_alnum(c) && ((c != '-' && c != '.') || i == 0))
            return "is not a host name: letters, digits and '-', with '.' between names";
    }
    return NULL;
}

const char *cloudconfig_rule_host(struct str text)
{
    struct address address;
    if (address_parse(text, &address))
        return NULL;
    return cloudconfig_rule_hostname(text) ? "is neither a host name nor an IP address" : NULL;
}

const char *cloudconfig_rule_user(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ' || text.p[i] == ':' || text.p[i] == '/' || text.p[i] == '\n')
            return "is not a user's name";
    }
    return text.n && text.n <= 32 && text.p[0] != '-' ? NULL : "is not a user's name";
}

const char *cloudconfig_rule_shell(struct str text)
{
    return text.n && text.p[0] == '/' ? NULL : "is not an absolute path, like /bin/bash";
}

const char *cloudconfig_rule_date(struct str text)
{
    static const char form[] = "0000-00-00";
    bool ok = text.n == sizeof(form) - 1;
    for (size_t i = 0; ok && i < text.n; i++)
        ok = form[i] == '-' ? text.p[i] == '-' : text.p[i] >= '0' && text.p[i] <= '9';
    return ok ? NULL : "is not a date, like \"2030-12-31\"";
}

const char *cloudconfig_rule_owner(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ' || text.p[i] == '/')
            return "is not an owner, like root:root";
    }
    return text.n ? NULL : "is not an owner, like root:root";
}

/* Only whether it is a key at all: check_key in render/check.h says what becomes of keys. */
const char *cloudconfig_rule_apt_key(struct str text)
{
    return inspect_find_key(text).n ? NULL
                                    : "is not an OpenPGP key: that begins with " INSPECT_KEY_HEAD;
}

const char *cloudconfig_rule_certificate(struct str text)
{
    static const char head[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    bool whole = text.n && memmem(text.p, text.n, head, sizeof(head) - 1) &&
                 memmem(text.p, text.n, end, sizeof(end) - 1);
    return whole ? NULL : "is not a certificate: that begins with -----BEGIN CERTIFICATE-----";
}

const char *cloudconfig_rule_tags(struct str text)
{
    while (text.p) {
        struct str tag = str_cut(&text, ',');
        bool ok = tag.n > 0;
        for (size_t i = 0; i < tag.n; i++)
            ok = ok && (is_alnum(tag.p[i]) || tag.p[i] == '-' || tag.p[i] == '_');
        if (!ok)
            return "is not a list of tags, like web,rack-2: no blanks";
    }
    return NULL;
}

/* As gpg takes it: with spaces between, or 0x before. A fingerprint has 40 digits, or 64 since
 * version 5; shorter ones are its end. */
const char *cloudconfig_rule_key_id(struct str text)
{
    size_t digits = 0;
    if (str_starts(text, STR("0x")))
        text = str_skip(text, 2);
    for (size_t i = 0; i < text.n; i++) {
        char lower = (char)(text.p[i] | 0x20);
        bool digit = (lower >= 'a' && lower <= 'f') || (text.p[i] >= '0' && text.p[i] <= '9');
        if (!digit && text.p[i] != ' ')
            return "is not the fingerprint of an OpenPGP key: 40 hexadecimal digits";
        digits += digit;
    }
    return digits == 8 || digits == 16 || digits == 40 || digits == 64
               ? NULL
               : "is not as long as the fingerprint of an OpenPGP key: 40 hexadecimal digits";
}

const char *cloudconfig_rule_uri(struct str text)
{
    struct str rest = text, scheme = str_cut(&rest, ':');
    bool ok = rest.p && rest.n && scheme.n;
    for (size_t i = 0; i < text.n; i++)
        ok = ok && (unsigned char)text.p[i] > ' ';
    for (size_t i = 0; i < scheme.n; i++)
        ok = ok && (is_alnum(scheme.p[i]) || (i && memchr("+-.", scheme.p[i], 3)));
    return ok ? NULL : "is not a URI, like https://example.org/";
}

const char *cloudconfig_rule_name_password(struct str text)
{
    struct str rest = text, name = str_cut(&rest, ':');
    return rest.p && name.n && rest.n ? NULL : "must be NAME:PASSWORD";
}

/* --- Values that work, though cloud-init's schema wants others ----------------------------- */

#define DEGRADES "cloud-init takes it, but its schema does not, and reports a degraded boot"

static bool is_false(struct str text)
{
    static const char *const words[] = {"false", "0", "off", "no"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_eq_nocase(text, str_from(words[i])))
            return true;
    }
    return false;
}

static bool is_boolean_word(const struct yaml_node *y)
{
    return inspect_true(y) || is_false(yaml_text(y));
}

/* Reports a text that stands for a boolean where cloud-init takes it. */
static bool take_word(const struct field_at *at)
{
    bool is_word = is_boolean_word(at->y);
    if (is_word)
        field_warn(at, at->y, "write %s, without quotes: " DEGRADES,
                   inspect_true(at->y) ? "true" : "false");
    return is_word;
}

void cloudconfig_switch(const struct field_at *at)
{
    if (type_of(at->y) != INSPECT_BOOL && !take_word(at))
        field_fault(at, at->y, "%s is neither true nor false",
                    yaml_quoted(at->in->arena, yaml_text(at->y)));
}

void cloudconfig_number(const struct field_at *at)
{
    if (type_of(at->y) == INSPECT_NUMBER)
        return;
    if (is_digits(yaml_text(at->y)))
        field_warn(at, at->y, "write the number without quotes: " DEGRADES);
    else
        field_fault(at, at->y, "%s is not a number", yaml_quoted(at->in->arena, yaml_text(at->y)));
}

void cloudconfig_some(const struct field_at *at)
{
    if (at->y->kind != YAML_SCALAR && at->y->n == 0)
        field_warn(at, at->y, "it is empty: leave it out; " DEGRADES);
}

void cloudconfig_some_list(const struct field_at *at)
{
    if (at->y->kind == YAML_SEQUENCE)
        cloudconfig_some(at);
}

void cloudconfig_texts(const struct field_at *at)
{
    if (at->y->kind == YAML_SCALAR)
        field_warn(at, at->y, "write a list, with '- ' before the text: " DEGRADES);
}

void cloudconfig_some_texts(const struct field_at *at)
{
    cloudconfig_some(at);
    cloudconfig_texts(at);
}

static struct str text_of(const void *items, uint32_t i)
{
    return yaml_text(((const struct yaml_node *const *)items)[i]);
}

void cloudconfig_unique(const struct field_at *at)
{
    struct map seen = {0};
    for (uint32_t i = 0; i < at->y->n; i++) {
        const struct yaml_node *item = at->y->items[i];
        if (item->kind == YAML_SCALAR && map_put(&seen, text_of, at->y->items, i) != MAP_NONE)
            field_warn(at, item, "%s is here twice: " DEGRADES,
                       yaml_quoted(at->in->arena, yaml_text(item)));
    }
    map_done(&seen);
}

void cloudconfig_some_unique(const struct field_at *at)
{
    cloudconfig_some(at);
    cloudconfig_unique(at);
}

void cloudconfig_old_boolean(const struct field_at *at)
{
    if (type_of(at->y) == INSPECT_TEXT)
        field_warn(at, at->y, "a text is deprecated since 22.3; write true or false");
}

/* As yaml_quoted, without the quotes. */
static const char *shown(const struct field_at *at, struct str s, size_t max)
{
    struct buf b;
    buf_init(&b, 4 * max + 16);
    buf_escaped(&b, s, max);
    const char *text = arena_str(at->in->arena, buf_view(&b)).p;
    buf_done(&b);
    return text;
}

/* --- Commands and packages ----------------------------------------------------------------- */

static void check_words(const struct field_at *at, const struct yaml_node *command)
{
    for (uint32_t i = 0; i < command->n; i++) {
        const struct yaml_node *word = command->items[i];
        if (word->kind != YAML_SCALAR)
            field_fault(at, word, "a command's words must be texts, and this is %s",
                        yaml_kind_name(word));
        else if (type_of(word) != INSPECT_TEXT)
            field_warn(at, word, "quote %s: " DEGRADES,
                       yaml_quoted(at->in->arena, yaml_text(word)));
    }
    if (command->n == 0)
        field_warn(at, command, "a command without a word: nothing will be run");
}

static void check_command(const struct field_at *at, const struct yaml_node *y)
{
    if (y->kind == YAML_MAPPING) {
        struct str key = y->n ? yaml_text(y->pairs[0].key) : STR("");
        field_fault(at, y,
                    "a command must be a text or a list of texts; YAML takes '%s: …' for a "
                    "mapping: put the whole command in quotes",
                    shown(at, key, 40));
        return;
    }
    unsigned type = type_of(y);
    if (type == INSPECT_LIST)
        check_words(at, y);
    else if (type != INSPECT_NULL && type != INSPECT_TEXT)
        field_fault(at, y, "a command must be a text or a list of texts; quote %s",
                    yaml_quoted(at->in->arena, yaml_text(y)));
    else if (type == INSPECT_NULL && str_is(str_from(at->row->name), "bootcmd"))
        field_warn(at, y, "a command is empty: " DEGRADES);
}

void cloudconfig_commands(const struct field_at *at)
{
    cloudconfig_some(at);
    for (uint32_t i = 0; i < at->y->n; i++)
        check_command(at, at->y->items[i]);
}

void cloudconfig_snap_command(const struct field_at *at)
{
    if (at->y->kind == YAML_SEQUENCE && at->y->n == 0)
        field_fault(at, at->y, "a command without a word");
}

static const char *rule_package(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ' || text.p[i] == '\t' || text.p[i] == '\n')
            return "is not a package's name: one name to an item";
    }
    return inspect_not_empty(text);
}

void cloudconfig_package(const struct field_at *at)
{
    if (at->y->kind == YAML_SCALAR) {
        inspect_rule(at->in, at->y, "package", rule_package);
    } else if (at->y->kind == YAML_SEQUENCE) {
        if (at->y->n != 2)
            field_fault(at, at->y, "a package is a name, or a list of name and version");
        inspect_texts(at->in, at->y, "package", rule_package);
    }
}

/* --- Users --------------------------------------------------------------------------------- */

void cloudconfig_groups_of(const struct field_at *at)
{
    cloudconfig_some_list(at);
    if (at->y->kind == YAML_MAPPING)
        field_warn(at, at->y, "a mapping is deprecated since 23.1; write a list of names");
}

void cloudconfig_user_keys(const struct field_at *at)
{
    if (at->y->kind == YAML_MAPPING)
        field_warn(at, at->y, "write a list of keys: " DEGRADES);
    else
        cloudconfig_some_texts(at);
}

void cloudconfig_redirect(const struct field_at *at)
{
    if (type_of(at->y) == INSPECT_BOOL)
        return;
    if (str_is(yaml_text(at->y), "default"))
        field_warn(at, at->y, "write true: " DEGRADES);
    else
        field_fault(at, at->y,
                    "%s is not a valid value: write true or false; cloud-init does not "
                    "create the user",
                    yaml_quoted(at->in->arena, yaml_text(at->y)));
}

/* With `true`, cloud-init stops with the user half made: it is no rule of sudo's. */
void cloudconfig_sudo(const struct field_at *at)
{
    if (type_of(at->y) != INSPECT_BOOL)
        return;
    if (inspect_true(at->y))
        field_fault(at, at->y, "true is not a rule of sudo: write \"ALL=(ALL) NOPASSWD:ALL\"");
    else
        field_warn(at, at->y, "false is deprecated since 22.2; write null");
}

void cloudconfig_uid(const struct field_at *at)
{
    if (type_of(at->y) == INSPECT_TEXT)
        field_warn(at, at->y, "a text is deprecated since 22.3; write the number without quotes");
}

static const struct yaml_node *get_either(const struct field_at *at, const char *name,
                                          const char *hyphened)
{
    const struct yaml_node *y = get(at, name);
    return y ? y : get(at, hyphened);
}

/* cloud-init creates neither this user nor those that follow. */
static void check_home(const struct field_at *at)
{
    static const struct {
        const char *name, *hyphened;
    } needs[] = {{"ssh_authorized_keys", "ssh-authorized-keys"},
                 {"ssh_import_id", "ssh-import-id"},
                 {"ssh_redirect_user", "ssh-redirect-user"}};
    const struct yaml_node *none = get_either(at, "no_create_home", "no-create-home");
    const char *why = inspect_true(none) ? "no_create_home" : "system";
    if (!inspect_true(none) && !inspect_true(get(at, "system")))
        return;
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        const struct yaml_node *y = get_either(at, needs[i].name, needs[i].hyphened);
        bool given = y && !yaml_is_null(y) && y->n && !is_false(yaml_text(y));
        if (y && y->kind != YAML_SCALAR ? y->n : given)
            field_fault(at, y,
                        "a user with %s has no home for SSH keys: cloud-init creates neither this "
                        "user nor the next ones; drop one of the two",
                        why);
    }
}

static void check_redirected(const struct field_at *at)
{
    const struct yaml_node *y = get_either(at, "ssh_redirect_user", "ssh-redirect-user");
    if (y && y->kind == YAML_SCALAR && !is_false(yaml_text(y)) && !yaml_is_null(y) &&
        (get_either(at, "ssh_authorized_keys", "ssh-authorized-keys") ||
         get_either(at, "ssh_import_id", "ssh-import-id")))
        field_fault(at, y,
                    "ssh_redirect_user excludes ssh_authorized_keys and ssh_import_id: cloud-init "
                    "does not create the user");
}

static void check_user(const struct field_at *at)
{
    if (get(at, "name") && get(at, "snapuser"))
        field_warn(at, get(at, "snapuser"), "drop 'name' beside 'snapuser': " DEGRADES);
    check_home(at);
    check_redirected(at);
}

void cloudconfig_user_entry(const struct field_at *at)
{
    if (at->y->kind == YAML_SEQUENCE)
        inspect_texts(at->in, at->y, "users", cloudconfig_rule_user);
    if (at->y->kind != YAML_MAPPING)
        return;
    if (!get(at, "name") && !get(at, "snapuser"))
        field_fault(at, at->y, "'name' is missing");
    check_user(at);
}

/* A value that is not true leaves its user out. */
void cloudconfig_mapped_user(const struct field_at *at)
{
    if (at->y->kind == YAML_MAPPING)
        check_user(at);
    else if (type_of(at->y) != INSPECT_BOOL && !is_boolean_word(at->y))
        field_fault(at, at->y, "%s is neither true, false nor a mapping of the user's settings",
                    yaml_quoted(at->in->arena, yaml_text(at->y)));
}

void cloudconfig_users(const struct field_at *at)
{
    if (at->y->kind != YAML_SEQUENCE)
        field_warn(at, at->y, "a %s is deprecated since 22.2; write a list: - name: …",
                   at->y->kind == YAML_MAPPING ? "mapping" : "text");
}

void cloudconfig_old_user(const struct field_at *at)
{
    if (at->y->kind == YAML_SCALAR)
        field_warn(at, at->y, "a text is deprecated since 22.2; write users: [{name: %s}]",
                   shown(at, yaml_text(at->y), 32));
    else if (!get(at, "name") && !get(at, "snapuser"))
        field_warn(at, at->y, "without 'name' this changes the image's own user: " DEGRADES);
    if (at->y->kind == YAML_MAPPING)
        check_user(at);
}

void cloudconfig_password_of(const struct field_at *at)
{
    const struct yaml_node *type = get(at, "type"), *password = get(at, "password");
    bool random = type && type->kind == YAML_SCALAR && str_is(yaml_text(type), "RANDOM");
    if (random && password)
        field_fault(at, password, "with type: RANDOM cloud-init makes the password itself");
    else if (!random && !password)
        field_fault(at, at->y, "'password' is missing");
}

void cloudconfig_password_lines(const struct field_at *at)
{
    struct str rest = at->y->kind == YAML_SCALAR ? yaml_text(at->y) : STR("");
    const char *why = NULL;
    while (rest.n && !why)
        why = cloudconfig_rule_name_password(str_cut(&rest, '\n'));
    if (why)
        field_fault(at, at->y, "each line %s", why);
}

void cloudconfig_pwauth(const struct field_at *at)
{
    if (type_of(at->y) == INSPECT_BOOL)
        return;
    bool known = is_boolean_word(at->y) || str_eq_nocase(yaml_text(at->y), STR("unchanged"));
    if (known)
        field_warn(at, at->y,
                   "a text is deprecated since 22.3; write true or false, or leave "
                   "ssh_pwauth out");
    else
        field_fault(at, at->y, "%s is neither true nor false",
                    yaml_quoted(at->in->arena, yaml_text(at->y)));
}

/* --- Power, swap, disks -------------------------------------------------------------------- */

void cloudconfig_delay(const struct field_at *at)
{
    struct str text = yaml_text(at->y);
    if (type_of(at->y) == INSPECT_NUMBER && is_digits(text))
        return;
    bool plus = str_starts(text, STR("+"));
    if (is_digits(plus ? str_skip(text, 1) : text))
        field_warn(at, at->y, "a text is deprecated since 22.3; write the number without quotes");
    else if (!str_is(text, "now"))
        field_fault(at, at->y, "%s is not a delay: write now, or a number of minutes",
                    yaml_quoted(at->in->arena, text));
}

/* Whether cloud-init can compute with it, and whether its schema thinks so: it wants one letter. */
static bool read_size(struct str text, bool *ret_schema)
{
    struct str rest = text;
    size_t digits = 0, points = 0;
    while (rest.n && ((rest.p[0] >= '0' && rest.p[0] <= '9') || rest.p[0] == '.')) {
        points += rest.p[0] == '.';
        digits += rest.p[0] != '.';
        rest = str_skip(rest, 1);
    }
    bool blank = rest.n && rest.p[0] == ' ';
    rest = str_trim(rest);
    bool letter = rest.n && memchr("KMGT", rest.p[0], 4);
    *ret_schema = !blank && rest.n == 1 && (letter || rest.p[0] == 'B');
    struct str behind = letter ? str_skip(rest, 1) : rest;
    return digits && points <= 1 && (!behind.n || str_is(behind, "B"));
}

void cloudconfig_size(const struct field_at *at)
{
    bool schema;
    struct str text = yaml_text(at->y);
    if (type_of(at->y) == INSPECT_NUMBER ||
        (str_is(text, "auto") && str_is(str_from(at->row->name), "size")))
        return;
    if (!read_size(text, &schema))
        field_fault(at, at->y, "%s is not a size: write a number of bytes, or like 512M or 2G%s",
                    yaml_quoted(at->in->arena, text),
                    str_is(str_from(at->row->name), "size") ? ", or auto" : "");
    else if (!schema)
        field_warn(at, at->y, "write it like 512M or 2G, or a number without quotes: " DEGRADES);
}

void cloudconfig_swap(const struct field_at *at)
{
    if (!get(at, "size"))
        field_warn(at, at->y, "without 'size' cloud-init makes no swap");
}

static bool read_share(const struct yaml_node *y, uint64_t *ret)
{
    return y->kind == YAML_SCALAR && str_to_u64(yaml_text(y), DISK_PERCENT, ret) && *ret;
}

void cloudconfig_layout(const struct field_at *at)
{
    uint64_t sum = 0, share;
    for (uint32_t i = 0; at->y->kind == YAML_SEQUENCE && i < at->y->n; i++) {
        const struct yaml_node *item = at->y->items[i];
        bool pair =
            item->kind == YAML_SEQUENCE && item->n == 2 && item->items[1]->kind == YAML_SCALAR;
        if (!read_share(pair ? item->items[0] : item, &share)) {
            field_fault(at, item,
                        "a partition is its share of the disk in percent, or a list of that and "
                        "the partition's type");
            return;
        }
        sum += share;
    }
    if (sum > DISK_PERCENT)
        field_fault(at, at->y, "the partitions take %" PRIu64 " %% of the disk", sum);
    if (at->y->kind == YAML_SEQUENCE && at->y->n == 0)
        field_warn(at, at->y, "it is empty: nothing will be partitioned");
}

void cloudconfig_disk(const struct field_at *at)
{
    const struct yaml_node *layout = get(at, "layout"), *type = get(at, "table_type");
    bool gpt = type && type->kind == YAML_SCALAR && str_is(yaml_text(type), "gpt");
    if (!layout)
        field_warn(at, at->y, "without 'layout' nothing will be partitioned");
    else if (layout->kind == YAML_SEQUENCE && layout->n > MBR_PARTITIONS_MAX && !gpt)
        field_fault(at, layout, "more than %d partitions need table_type: gpt", MBR_PARTITIONS_MAX);
}

/* Both are pasted into a command; a list of cmd stops cloud-init, and extra_opts as a text would
 * become one option for each letter. */
void cloudconfig_filesystem(const struct field_at *at)
{
    const struct yaml_node *cmd = get(at, "cmd"), *options = get(at, "extra_opts");
    if (!cmd && !get(at, "filesystem"))
        field_fault(at, at->y, "'filesystem' is missing");
    if (cmd && cmd->kind == YAML_SEQUENCE)
        field_fault(at, cmd, "cmd: cloud-init stops at a list; write the command as one text");
    if (options && type_of(options) == INSPECT_TEXT)
        field_fault(at, options,
                    "extra_opts: cloud-init would take each letter for an option; write a list");
}

void cloudconfig_partition(const struct field_at *at)
{
    if (is_digits(yaml_text(at->y)))
        field_warn(at, at->y, "write it as part of the device, like /dev/vdb1: " DEGRADES);
}

void cloudconfig_growth(const struct field_at *at)
{
    if (type_of(at->y) != INSPECT_BOOL)
        return;
    if (inspect_true(at->y))
        field_fault(at, at->y, "true is not a mode: write auto, growpart, gpart or 'off'");
    else
        field_warn(at, at->y,
                   "false is deprecated since 22.3 (and what YAML makes of off); write "
                   "'off' in quotes");
}

void cloudconfig_resize(const struct field_at *at)
{
    if (type_of(at->y) != INSPECT_BOOL && !str_is(yaml_text(at->y), "noblock") && !take_word(at))
        field_fault(at, at->y, "%s is not a valid value: write true, false or noblock",
                    yaml_quoted(at->in->arena, yaml_text(at->y)));
}

void cloudconfig_mount_defaults(const struct field_at *at)
{
    if (at->y->n != MOUNT_FIELDS)
        field_fault(at, at->y,
                    "write the %d fields of a line of fstab, null for those without a "
                    "default",
                    MOUNT_FIELDS);
}

static void check_mount_field(const struct field_at *at, const struct yaml_node *y)
{
    unsigned type = type_of(y);
    if (y->kind != YAML_SCALAR)
        field_fault(at, y, "a field of fstab must be a text, and is %s", yaml_kind_name(y));
    else if (type == INSPECT_NULL)
        field_warn(at, y, "a field is empty, and gets its default: " DEGRADES);
    else if (type != INSPECT_TEXT)
        field_warn(at, y, "quote %s: " DEGRADES, yaml_quoted(at->in->arena, yaml_text(y)));
}

void cloudconfig_mount(const struct field_at *at)
{
    if (at->y->n == 0 || at->y->n > MOUNT_FIELDS)
        field_fault(at, at->y,
                    "a mount has 1 to %d fields, as in fstab: [/dev/vdb1, /data, ext4, "
                    "\"defaults,nofail\", \"0\", \"2\"]",
                    MOUNT_FIELDS);
    for (uint32_t i = 0; i < at->y->n; i++)
        check_mount_field(at, at->y->items[i]);
    if (at->y->n < 2 || at->y->items[1]->kind != YAML_SCALAR)
        return;
    struct str where = yaml_text(at->y->items[1]);
    if (where.n && where.p[0] != '/' && !yaml_is_null(at->y->items[1]) && !str_is(where, "none") &&
        !str_is(where, "swap"))
        field_fault(at, at->y->items[1],
                    "%s is not a mount point: write an absolute path, none or swap",
                    yaml_quoted(at->in->arena, where));
}

/* --- Names, callbacks, software ------------------------------------------------------------ */

void cloudconfig_hosts(const struct field_at *at)
{
    struct str text = yaml_text(at->y);
    if (type_of(at->y) == INSPECT_BOOL || str_is(text, "localhost"))
        return;
    if (str_is(text, "template"))
        field_warn(at, at->y, "template is deprecated since 22.3; write true");
    else if (!take_word(at))
        field_fault(at, at->y, "%s is not a valid value: write true, false or localhost",
                    yaml_quoted(at->in->arena, text));
}

void cloudconfig_dsa(const struct field_at *at)
{
    struct str text = yaml_text(at->y);
    if (str_is(text, "dsa") || str_is(text, "pub_key_dsa"))
        field_warn(at, at->y, "%s is gone since 24.1; drop it", yaml_quoted(at->in->arena, text));
}

void cloudconfig_phone_home(const struct field_at *at)
{
    if (!get(at, "url"))
        field_fault(at, at->y,
                    "'url' is missing; write url: "
                    "{{ (seed.url ~ \"phone-home\") | to_yaml_scalar }}");
}

/* cloud-init stops at a setting of another type. */
static void check_settings(const struct field_at *at, struct str type)
{
    static const struct {
        const char *type, *keys[8];
    } types[] = {{"log", {"level"}},
                 {"print", {NULL}},
                 {"webhook",
                  {"endpoint", "consumer_key", "token_key", "token_secret", "consumer_secret",
                   "timeout", "retries"}},
                 {"hyperv", {"kvp_file_path", "event_types"}}};
    size_t n = 0;
    while (n < sizeof(types) / sizeof(types[0]) && !str_is(type, types[n].type))
        n++;
    for (uint32_t i = 0; n < sizeof(types) / sizeof(types[0]) && i < at->y->n; i++) {
        const struct yaml_node *key = at->y->pairs[i].key;
        if (!str_is(yaml_text(key), "type") && !str_in(yaml_text(key), types[n].keys))
            field_fault(at, key, "type %s has no setting %s", types[n].type,
                        yaml_quoted(at->in->arena, yaml_text(key)));
    }
}

void cloudconfig_reporter(const struct field_at *at)
{
    const struct yaml_node *type = get(at, "type");
    struct str name = type && type->kind == YAML_SCALAR ? yaml_text(type) : STR("");
    check_settings(at, name);
    if (str_is(name, "webhook") && !get(at, "endpoint"))
        field_fault(at, at->y,
                    "'endpoint' is missing; write endpoint: "
                    "{{ (seed.url ~ \"report\") | to_yaml_scalar }}");
}

void cloudconfig_pipelining(const struct field_at *at)
{
    struct str text = yaml_text(at->y);
    if (type_of(at->y) != INSPECT_TEXT || str_is(text, "os"))
        return;
    if (str_is(text, "none") || str_is(text, "unchanged"))
        field_warn(at, at->y, "%s is deprecated since 22.4; write os",
                   yaml_quoted(at->in->arena, text));
    else
        field_fault(at, at->y, "%s is not a valid value: write os, true, false or a number",
                    yaml_quoted(at->in->arena, text));
}

void cloudconfig_output(const struct field_at *at)
{
    if (at->y->kind == YAML_SEQUENCE && at->y->n != 2)
        field_fault(at, at->y, "write two texts: where output goes, and where errors go");
}

/* Releases before 24.3 skip a repository without a baseurl. */
void cloudconfig_repo(const struct field_at *at)
{
    if (!get(at, "baseurl") && !get(at, "metalink") && !get(at, "mirrorlist"))
        field_fault(at, at->y, "'baseurl' is missing: cloud-init skips the repository");
}

void cloudconfig_repo_value(const struct field_at *at)
{
    if (at->y->kind == YAML_SEQUENCE)
        field_warn(at, at->y, "write one text: " DEGRADES);
}

void cloudconfig_playbook(const struct field_at *at)
{
    const struct yaml_node *one = get(at, "playbook_name"), *more = get(at, "playbook_names");
    if (!one && !more)
        field_fault(at, at->y, "'playbook_names' is missing");
    else if (one && more)
        field_fault(at, one, "playbook_name and playbook_names exclude each other; drop this one");
}

void cloudconfig_pull(const struct field_at *at)
{
    if (at->y->kind != YAML_MAPPING)
        return;
    field_warn(at, at->y, "a mapping is deprecated since 25.2; write a list of mappings");
    cloudconfig_playbook(at);
}

/* --- write_files --------------------------------------------------------------------------- */

static bool is_octal(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '7')
            return false;
    }
    return text.n >= 3 && text.n <= 5;
}

/* PyYAML reads a plain 0644 as the mode that was meant, but 644 as a decimal number; 0o644 is a
 * text to it. */
void cloudconfig_mode(const struct field_at *at)
{
    struct str text = yaml_text(at->y);
    bool prefixed = str_starts(text, STR("0o"));
    bool number = at->y->plain && !prefixed && type_of(at->y) == INSPECT_NUMBER;
    if (!is_octal(prefixed ? str_skip(text, 2) : text))
        field_fault(at, at->y, "%s is not a mode: octal digits in quotes, like \"0644\"",
                    yaml_quoted(at->in->arena, text));
    else if (number && text.p[0] != '0')
        field_fault(at, at->y,
                    "%.*s is a decimal number to YAML, and another mode than meant; quote it: "
                    "\"0%.*s\"",
                    STR_ARG(text), STR_ARG(text));
    else if (number)
        field_warn(at, at->y, "quote it, \"%.*s\": " DEGRADES, STR_ARG(text));
}

static const char *rule_base64(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\n' || c == '\r' || c == ' ')
            continue;
        if (!is_alnum(c) && c != '+' && c != '/' && c != '=')
            return "is not base64, as 'encoding' says; use the filter b64encode, or leave "
                   "'encoding' out";
        n++;
    }
    return n % 4 == 0 ? NULL : "is not complete base64, as 'encoding' says";
}

/* Files from which apt takes keys, ours among them. */
static bool is_for_apt(const struct yaml_node *path)
{
    static const char *const folders[] = {"/etc/apt/", "/etc/cloudseed/", "/usr/share/keyrings/"};
    struct str text = path && path->kind == YAML_SCALAR ? yaml_text(path) : STR("");
    bool found = false;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        found = found || str_starts(text, str_from(folders[i]));
    return found && str_ends(text, STR(".asc"));
}

static bool is_base64(struct str encoding)
{
    return str_is(encoding, "b64") || str_is(encoding, "base64");
}

static void check_content(const struct field_at *at, const struct yaml_node *content,
                          struct str encoding)
{
    const char *why = NULL;
    if (is_base64(encoding))
        why = rule_base64(yaml_text(content));
    else if (!encoding.n && is_for_apt(get(at, "path")))
        why = cloudconfig_rule_apt_key(yaml_text(content));
    if (why)
        field_fault(at, content, "content: %s%s %s",
                    yaml_quoted(at->in->arena, str_head(yaml_text(content), 40)),
                    content->n > 40 ? "…" : "", why);
}

void cloudconfig_file(const struct field_at *at)
{
    const struct yaml_node *content = get(at, "content"), *encoding = get(at, "encoding");
    bool named = encoding && encoding->kind == YAML_SCALAR;
    if (!content && !get(at, "source"))
        field_warn(at, at->y, "'content' is missing: the file will be empty");
    else if (content && type_of(content) == INSPECT_TEXT)
        check_content(at, content, named ? yaml_text(encoding) : STR(""));
}

static struct str path_of(const void *files, uint32_t i)
{
    return yaml_text(yaml_get(((const struct yaml_node *const *)files)[i], STR("path")));
}

void cloudconfig_files(const struct field_at *at)
{
    struct map seen = {0};
    cloudconfig_some(at);
    for (uint32_t i = 0; i < at->y->n; i++) {
        const struct yaml_node *file = at->y->items[i], *path = yaml_get(file, STR("path"));
        if (!path || path->kind != YAML_SCALAR)
            continue;
        uint32_t first = map_put(&seen, path_of, at->y->items, i);
        if (first == MAP_NONE || inspect_true(yaml_get(file, STR("append"))))
            continue;
        field_fault(at, path,
                    "%s is written twice: the entry in line %u of the rendered document is lost; "
                    "drop one, or write append: true",
                    yaml_quoted(at->in->arena, yaml_text(path)), at->y->items[first]->line);
    }
    map_done(&seen);
}
