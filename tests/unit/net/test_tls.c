/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTPS listener with a client of GnuTLS, and the certificates that it serves. */
#include "lib/unit.h"

#include "net/http/http.h"
#include "net/http/tls.h"
#include "net/socket.h"

#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEARD_MAX 65536

/* --- Certificates of the test's own ---------------------------------------------------------- */

struct pair {
    char chain[4096], key[4096];
    unsigned char serial;
    unsigned char secret[66]; /* the private number, with every bit turned */
    size_t secret_n;
};

/* Ed25519 has only the form of PKCS #8. */
static void export_pair(gnutls_x509_crt_t leaf, gnutls_x509_privkey_t key, bool pkcs8,
                        struct pair *ret)
{
    size_t n = sizeof(ret->chain) - 1;
    assert_int_equal(gnutls_x509_crt_export(leaf, GNUTLS_X509_FMT_PEM, ret->chain, &n), 0);
    ret->chain[n] = '\0';
    n = sizeof(ret->key) - 1;
    int r = pkcs8 ? gnutls_x509_privkey_export_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
                                                     GNUTLS_PKCS_PLAIN, ret->key, &n)
                  : gnutls_x509_privkey_export(key, GNUTLS_X509_FMT_PEM, ret->key, &n);
    assert_int_equal(r, 0);
    ret->key[n] = '\0';
}

static void keep_secret(gnutls_x509_privkey_t key, struct pair *ret)
{
    gnutls_ecc_curve_t curve;
    gnutls_datum_t x, y, k;
    if (gnutls_x509_privkey_export_ecc_raw(key, &curve, &x, &y, &k) < 0)
        return;
    ret->secret_n = k.size;
    for (unsigned i = 0; i < k.size; i++)
        ret->secret[i] = (unsigned char)~k.data[i];
    explicit_bzero(k.data, k.size);
    gnutls_free(x.data);
    gnutls_free(y.data);
    gnutls_free(k.data);
}

static void generate(int kind, unsigned bits, unsigned char serial, struct pair *ret)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t leaf;
    gnutls_digest_algorithm_t digest =
        kind == GNUTLS_PK_EDDSA_ED25519 ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256;
    char name[32];
    *ret = (struct pair){.serial = serial};
    gnutls_x509_privkey_init(&key);
    gnutls_x509_crt_init(&leaf);
    assert_int_equal(gnutls_x509_privkey_generate(key, (gnutls_pk_algorithm_t)kind, bits, 0), 0);
    gnutls_x509_crt_set_version(leaf, 3);
    gnutls_x509_crt_set_serial(leaf, &serial, 1);
    gnutls_x509_crt_set_activation_time(leaf, time(NULL) - 60);
    gnutls_x509_crt_set_expiration_time(leaf, time(NULL) + 3600);
    snprintf(name, sizeof(name), "server %u", serial);
    gnutls_x509_crt_set_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                  (unsigned)strlen(name));
    gnutls_x509_crt_set_key(leaf, key);
    assert_int_equal(gnutls_x509_crt_sign2(leaf, leaf, key, digest, 0), 0);
    export_pair(leaf, key, kind == GNUTLS_PK_EDDSA_ED25519, ret);
    if (kind == GNUTLS_PK_ECDSA)
        keep_secret(key, ret);
    gnutls_x509_crt_deinit(leaf);
    gnutls_x509_privkey_deinit(key);
}

/* In a process of its own, so that nothing of the key is left here but what `ret` says. */
static void make_pair(int kind, unsigned bits, unsigned char serial, struct pair *ret)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t maker = fork();
    if (maker == 0) {
        generate(kind, bits, serial, ret);
        _exit(write(ends[1], ret, sizeof(*ret)) != sizeof(*ret));
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], ret, sizeof(*ret)), sizeof(*ret));
    close(ends[0]);
    assert_int_equal(waitpid(maker, NULL, 0), maker);
}

static struct pair pair_1, pair_2;

static int make_pairs(void **state)
{
    (void)state;
    if (!pair_1.serial)
        make_pair(GNUTLS_PK_ECDSA, 256, 1, &pair_1);
    if (!pair_2.serial)
        make_pair(GNUTLS_PK_ECDSA, 256, 2, &pair_2);
    return 0;
}

/* --- Two sessions without a socket ----------------------------------------------------------- */

/* One direction: what was sent and not yet received. */
struct channel {
    unsigned char bytes[HEARD_MAX];
    size_t n;
};

struct side {
    gnutls_session_t session;
    struct channel *in, *out;
};

static ssize_t on_push(gnutls_transport_ptr_t cls, const void *p, size_t n)
{
    struct side *side = cls;
    assert_true(side->out->n + n <= HEARD_MAX);
    memcpy(side->out->bytes + side->out->n, p, n);
    side->out->n += n;
    return (ssize_t)n;
}

static ssize_t on_pull(gnutls_transport_ptr_t cls, void *p, size_t n)
{
    struct side *side = cls;
    if (side->in->n == 0) {
        gnutls_transport_set_errno(side->session, EAGAIN);
        return -1;
    }
    n = n < side->in->n ? n : side->in->n;
    memcpy(p, side->in->bytes, n);
    memmove(side->in->bytes, side->in->bytes + n, side->in->n - n);
    side->in->n -= n;
    return (ssize_t)n;
}

static struct talk_world {
    struct channel up, down;
    struct side client, server;
    gnutls_certificate_credentials_t nothing, lent;
    struct tls_session ours;
} two;

static void two_init(struct tls *t)
{
    gnutls_certificate_retrieve_function2 *callback =
        (gnutls_certificate_retrieve_function2 *)(uintptr_t)tls_certificate_callback();
    memset(&two, 0, sizeof(two));
    two.client = (struct side){.in = &two.down, .out = &two.up};
    two.server = (struct side){.in = &two.up, .out = &two.down};
    gnutls_init(&two.client.session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
    gnutls_init(&two.server.session, GNUTLS_SERVER | GNUTLS_NONBLOCK);
    gnutls_certificate_allocate_credentials(&two.nothing);
    gnutls_certificate_allocate_credentials(&two.lent);
    gnutls_certificate_set_retrieve_function2(two.lent, callback);
    gnutls_credentials_set(two.client.session, GNUTLS_CRD_CERTIFICATE, two.nothing);
    gnutls_credentials_set(two.server.session, GNUTLS_CRD_CERTIFICATE, two.lent);
    gnutls_set_default_priority(two.client.session);
    assert_int_equal(gnutls_priority_set_direct(two.server.session, tls_priorities, NULL), 0);
    struct side *sides[] = {&two.client, &two.server};
    for (int i = 0; i < 2; i++) {
        gnutls_transport_set_ptr(sides[i]->session, sides[i]);
        gnutls_transport_set_push_function(sides[i]->session, on_push);
        gnutls_transport_set_pull_function(sides[i]->session, on_pull);
    }
    tls_session_begin(&two.ours, t, two.server.session, NULL);
}

static void two_done(void)
{
    tls_session_end(&two.ours);
    gnutls_deinit(two.client.session);
    gnutls_deinit(two.server.session);
    gnutls_certificate_free_credentials(two.nothing);
    gnutls_certificate_free_credentials(two.lent);
}

static unsigned char served_serial(gnutls_session_t client)
{
    unsigned n = 0;
    const gnutls_datum_t *der = gnutls_certificate_get_peers(client, &n);
    gnutls_x509_crt_t leaf;
    unsigned char serial[32] = {0};
    size_t serial_n = sizeof(serial);
    assert_non_null(der);
    gnutls_x509_crt_init(&leaf);
    assert_int_equal(gnutls_x509_crt_import(leaf, der, GNUTLS_X509_FMT_DER), 0);
    gnutls_x509_crt_get_serial(leaf, serial, &serial_n);
    gnutls_x509_crt_deinit(leaf);
    return serial[0];
}

static void use(struct tls *t, const struct pair *pair)
{
    struct err e = {0};
    int r = tls_use(t, pair->chain, pair->key, &e);
    if (r < 0)
        print_error("%s\n", e.msg);
    assert_int_equal(r, 0);
}

static void a_handshake_keeps_the_certificate_that_it_began_with(void **state)
{
    struct tls *t = tls_new();
    (void)state;
    use(t, &pair_1);
    two_init(t);
    assert_int_equal(gnutls_handshake(two.client.session), GNUTLS_E_AGAIN);
    assert_int_equal(gnutls_handshake(two.server.session), GNUTLS_E_AGAIN);
    assert_false(tls_session_is_done(&two.ours));
    assert_false(tls_session_wants_write(&two.ours));
    use(t, &pair_2);
    assert_int_equal(gnutls_handshake(two.client.session), 0);
    assert_int_equal(gnutls_handshake(two.server.session), 0);
    assert_true(tls_session_is_done(&two.ours));
    assert_int_equal(served_serial(two.client.session), 1);
    two_done();
    two_init(t);
    while (gnutls_handshake(two.client.session) != 0)
        gnutls_handshake(two.server.session);
    assert_int_equal(served_serial(two.client.session), 2);
    two_done();
    tls_free(t);
}

static void without_a_certificate_a_handshake_fails(void **state)
{
    struct tls *t = tls_new();
    (void)state;
    two_init(t);
    gnutls_handshake(two.client.session);
    assert_true(gnutls_error_is_fatal(gnutls_handshake(two.server.session)));
    assert_non_null(tls_session_failure(&two.ours));
    two_done();
    tls_free(t);
}

static void refused(const char *chain, const char *key, const char *reason)
{
    struct tls *t = tls_new();
    struct err e = {0};
    use(t, &pair_1);
    assert_int_equal(tls_use(t, chain, key, &e), -EINVAL);
    assert_contains(e.msg, reason);
    two_init(t); /* the previous one is still served */
    while (gnutls_handshake(two.client.session) != 0)
        gnutls_handshake(two.server.session);
    assert_int_equal(served_serial(two.client.session), 1);
    two_done();
    tls_free(t);
}

static void what_cannot_be_served_is_refused(void **state)
{
    static struct pair rsa, curve;
    char both[sizeof(pair_1.chain) * 2];
    (void)state;
    make_pair(GNUTLS_PK_RSA, 1024, 3, &rsa);
    make_pair(GNUTLS_PK_ECDSA, 521, 4, &curve);
    snprintf(both, sizeof(both), "%s%s", pair_1.chain, pair_2.chain);
    refused("", pair_2.key, "the certificate chain is not in PEM");
    refused("hello", pair_2.key, "the certificate chain is not in PEM");
    refused(pair_2.chain, "", "the private key is not in PEM");
    refused(pair_2.chain, pair_2.chain, "the private key is not in PEM");
    refused(pair_2.chain, pair_1.key, "the private key is not that of the certificate");
    refused(both, pair_1.key, "not in order");
    refused(rsa.chain, rsa.key, "RSA of 1024 bits");
    refused(curve.chain, curve.key, "use ECDSA P-256");
}

static void other_kinds_of_keys_are_served(void **state)
{
    static struct pair pairs[3];
    (void)state;
    make_pair(GNUTLS_PK_RSA, 2048, 5, &pairs[0]);
    make_pair(GNUTLS_PK_ECDSA, 384, 6, &pairs[1]);
    make_pair(GNUTLS_PK_EDDSA_ED25519, 256, 7, &pairs[2]);
    for (unsigned i = 0; i < 3; i++) {
        struct tls *t = tls_new();
        use(t, &pairs[i]);
        two_init(t);
        while (gnutls_handshake(two.client.session) != 0)
            gnutls_handshake(two.server.session);
        assert_int_equal(served_serial(two.client.session), 5 + i);
        two_done();
        tls_free(t);
    }
}

/* --- What memory holds ----------------------------------------------------------------------- */

static bool range_holds(int mem, off_t from, off_t to, const unsigned char *turned, size_t n)
{
    static unsigned char block[1 << 16];
    for (off_t at = from; at < to; at += (off_t)(sizeof(block) - 64)) {
        size_t want = (size_t)(to - at) < sizeof(block) ? (size_t)(to - at) : sizeof(block);
        ssize_t got = pread(mem, block, want, at);
        for (ssize_t i = 0; i + (ssize_t)n <= got; i++) {
            size_t same = 0;
            while (same < n && block[i + (ssize_t)same] == (unsigned char)~turned[same])
                same++;
            if (same == n)
                return true;
        }
        if (got <= 0)
            break;
    }
    return false;
}

/* Whether the private number is anywhere in the heap, freed memory included. Mappings of a
 * sanitizer are far larger than those of any heap here. */
static bool memory_holds(const struct pair *pair)
{
    const unsigned char *turned = pair->secret + (pair->secret_n > 32);
    int mem = open("/proc/self/mem", O_RDONLY);
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long from, to;
    char mode[8], line[512];
    bool found = false;
    assert_true(mem >= 0 && maps != NULL);
    while (!found && fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 && mode[1] == 'w' &&
            to - from < 64UL << 20)
            found = range_holds(mem, (off_t)from, (off_t)to, turned, 32);
    }
    fclose(maps);
    close(mem);
    return found;
}

static void a_key_that_is_not_served_any_more_is_wiped(void **state)
{
    struct tls *t = tls_new();
    (void)state;
    assert_false(memory_holds(&pair_1));
    use(t, &pair_1);
    assert_true(memory_holds(&pair_1));
    use(t, &pair_2);
    assert_false(memory_holds(&pair_1));
    assert_true(memory_holds(&pair_2));
    tls_free(t);
    assert_false(memory_holds(&pair_2));
}

/* --- A server and clients -------------------------------------------------------------------- */

static struct {
    uv_loop_t loop;
    uv_async_t talked;
    uv_prepare_t turn;
    uv_timer_t over;
    struct http_server *server;
    struct exchange_port port;
    int fd; /* listening */
    unsigned begun, ended, turns;
    unsigned stop_at_begun, stop_at_ended;
    enum exchange_listener listener;
    struct address peer;
    struct exchange *held;
} world;

static enum exchange_verdict on_step(struct exchange *x, void *state)
{
    (void)state;
    if (str_is(x->in.path, "/held")) {
        world.held = x;
        return exchange_wait(x, on_step, NULL);
    }
    x->out.status = 200;
    x->out.body = arena_printf(&x->arena, "%zu bytes\n", x->in.body.n);
    return EXCHANGE_DONE;
}

static void on_begin(void *cls, struct exchange *x)
{
    (void)cls;
    x->next = on_step;
    x->body_max_bytes = x->in.method == METHOD_POST ? 60000 : 0;
    world.listener = x->in.listener;
    world.peer = x->in.peer;
    if (++world.begun == world.stop_at_begun)
        uv_stop(&world.loop);
}

static void on_end(void *cls, struct exchange *x)
{
    (void)cls;
    (void)x;
    if (++world.ended == world.stop_at_ended)
        uv_stop(&world.loop);
}

static void on_talked(uv_async_t *async)
{
    (void)async;
    uv_stop(&world.loop);
}

static void on_turn(uv_prepare_t *handle)
{
    (void)handle;
    world.turns++;
}

static void on_over(uv_timer_t *timer)
{
    (void)timer;
    uv_stop(&world.loop);
}

static void on_drained(void *cls)
{
    (void)cls;
    http_server_free(world.server);
    uv_close((uv_handle_t *)&world.talked, NULL);
    uv_close((uv_handle_t *)&world.turn, NULL);
    uv_close((uv_handle_t *)&world.over, NULL);
}

static int listen_tls(struct err *e)
{
    struct endpoint any;
    assert_true(endpoint_parse(STR("127.0.0.1:0"), &any));
    world.fd = socket_listen(any, e);
    assert_true(world.fd >= 0);
    const struct listener l = {.fd = world.fd, .kind = LISTENER_NODE, .tls = true, .name = "https"};
    return http_server_listen(world.server, &l, e);
}

static int open_world(void **state)
{
    static const struct http_limits limits = {3000, 3000, 60000, 60000};
    struct err e;
    make_pairs(state);
    signal(SIGPIPE, SIG_IGN);
    memset(&world, 0, sizeof(world));
    world.port = (struct exchange_port){.begin = on_begin, .end = on_end};
    uv_loop_init(&world.loop);
    uv_async_init(&world.loop, &world.talked, on_talked);
    uv_prepare_init(&world.loop, &world.turn);
    uv_prepare_start(&world.turn, on_turn);
    uv_timer_init(&world.loop, &world.over);
    assert_int_equal(http_server_new(&world.loop, &world.port, NULL, &limits, &world.server, &e),
                     0);
    assert_int_equal(http_use_certificate(world.server, pair_1.chain, pair_1.key, &e), 0);
    return listen_tls(&e);
}

static int close_world(void **state)
{
    (void)state;
    http_server_drain(world.server, 0, on_drained, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&world.loop);
}

/* A client on a thread of its own, which says something and listens until the server closes. */
struct client {
    const char *priorities;
    const char *say;
    size_t say_n;
    size_t piece; /* bytes of each record; 0: all in one */
    int fd;
    int verdict; /* of the handshake */
    unsigned char serial;
    char heard[HEARD_MAX];
};

static int connect_us(void)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof(at);
    assert_int_equal(getsockname(world.fd, (struct sockaddr *)&at, &size), 0);
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, size), 0);
    socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return fd;
}

static void say_all(gnutls_session_t session, const struct client *c)
{
    size_t piece = c->piece ? c->piece : 16000;
    for (size_t at = 0; at < c->say_n;) {
        size_t n = c->say_n - at < piece ? c->say_n - at : piece;
        ssize_t sent = gnutls_record_send(session, c->say + at, n);
        if (sent < 0)
            return;
        at += (size_t)sent;
    }
}

static void hear_all(gnutls_session_t session, struct client *c)
{
    size_t n = 0;
    ssize_t got;
    while ((got = gnutls_record_recv(session, c->heard + n, HEARD_MAX - 1 - n)) > 0)
        n += (size_t)got;
    c->heard[n] = '\0';
}

static void *talk(void *cls)
{
    struct client *c = cls;
    gnutls_session_t session;
    gnutls_certificate_credentials_t nothing;
    gnutls_init(&session, GNUTLS_CLIENT);
    gnutls_certificate_allocate_credentials(&nothing);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, nothing);
    gnutls_priority_set_direct(session, c->priorities ? c->priorities : "NORMAL", NULL);
    gnutls_transport_set_int(session, c->fd);
    do
        c->verdict = gnutls_handshake(session);
    while (c->verdict < 0 && !gnutls_error_is_fatal(c->verdict));
    if (c->verdict == 0) {
        c->serial = served_serial(session);
        say_all(session, c);
        hear_all(session, c);
    }
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(nothing);
    close(c->fd);
    uv_async_send(&world.talked);
    return NULL;
}

static struct client *talk_as(const char *priorities, const char *say, size_t say_n, size_t piece)
{
    static struct client c;
    pthread_t thread;
    c = (struct client){.priorities = priorities, .say = say, .say_n = say_n, .piece = piece};
    c.fd = connect_us();
    assert_int_equal(pthread_create(&thread, NULL, talk, &c), 0);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
    return &c;
}

#define HEAD(method, path) method " " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

static const char get[] = HEAD("GET", "/") "\r\n";

static struct client *get_as(const char *priorities)
{
    return talk_as(priorities, get, sizeof(get) - 1, 0);
}

static void both_versions_are_served(void **state)
{
    (void)state;
    assert_contains(get_as("NORMAL:-VERS-ALL:+VERS-TLS1.3")->heard, "HTTP/1.1 200 OK");
    assert_contains(get_as("NORMAL:-VERS-ALL:+VERS-TLS1.2")->heard, "HTTP/1.1 200 OK");
    assert_int_equal(world.listener, LISTENER_NODE);
    char text[ADDRESS_TEXT_SIZE];
    assert_string_equal(address_text(world.peer, text), "127.0.0.1");
    assert_int_equal(world.ended, 2);
}

static void what_is_weak_is_not_spoken(void **state)
{
    static const char *const weak[] = {
        "NORMAL:-VERS-ALL:+VERS-TLS1.1",
        "NORMAL:-VERS-ALL:+VERS-TLS1.0",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC:+SHA1:+SHA256",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA",
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-FFDHE2048",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++)
        assert_true(get_as(weak[i])->verdict < 0);
    assert_int_equal(world.begun, 0);
    assert_int_equal(get_as(NULL)->verdict, 0);
}

static void records_of_any_size_make_a_request(void **state)
{
    static const char head[] = HEAD("POST", "/") "Content-Length: 60000\r\n\r\n";
    static char say[sizeof(head) - 1 + 60000];
    (void)state;
    memset(say, 'x', sizeof(say));
    memcpy(say, head, sizeof(head) - 1);
    assert_contains(talk_as(NULL, say, sizeof(say), 0)->heard, "60000 bytes");
    assert_contains(talk_as(NULL, say, sizeof(say), 777)->heard, "60000 bytes");
    assert_contains(talk_as(NULL, get, sizeof(get) - 1, 1)->heard, "0 bytes");
}

static void a_chunked_body_too_large_is_answered(void **state)
{
    static char say[80000];
    (void)state;
    int n =
        snprintf(say, sizeof(say),
                 HEAD("POST", "/") "Transfer-Encoding: chunked\r\n\r\n10000\r\n%065536d\r\n", 0);
    const char *heard = talk_as(NULL, say, (size_t)n, 0)->heard;
    assert_contains(heard, "HTTP/1.1 413 ");
    assert_contains(heard, "too large\n");
    assert_int_equal(world.ended, 1);
}

static void a_certificate_is_exchanged_while_others_are_served(void **state)
{
    struct err e = {0};
    (void)state;
    assert_int_equal(get_as(NULL)->serial, 1);
    assert_int_equal(http_use_certificate(world.server, pair_2.chain, pair_2.key, &e), 0);
    assert_int_equal(get_as(NULL)->serial, 2);
    assert_int_equal(http_use_certificate(world.server, pair_2.chain, pair_1.key, &e), -EINVAL);
    assert_int_equal(get_as(NULL)->serial, 2);
}

static void plain_http_gets_a_400(void **state)
{
    char heard[1000];
    (void)state;
    int fd = connect_us();
    assert_int_equal(write(fd, get, sizeof(get) - 1), sizeof(get) - 1);
    socket_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ssize_t n;
    while ((n = read(fd, heard, sizeof(heard) - 1)) < 0)
        uv_run(&world.loop, UV_RUN_ONCE);
    heard[n] = '\0';
    assert_contains(heard, "HTTP/1.1 400 ");
    assert_contains(heard, "https:");
    close(fd);
    assert_int_equal(http_server_connections(world.server), 0);
}

/* A ClientHello, as GnuTLS makes it. */
static size_t make_hello(unsigned char ret[static HEARD_MAX])
{
    struct tls *t = tls_new();
    two_init(t);
    gnutls_handshake(two.client.session);
    size_t n = two.up.n;
    memcpy(ret, two.up.bytes, n);
    two_done();
    tls_free(t);
    return n;
}

static unsigned turns_within(unsigned ms)
{
    unsigned before = world.turns;
    uv_timer_start(&world.over, on_over, ms, 0);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    return world.turns - before;
}

#define UNFINISHED_MAX 1024
#define HALF_OPEN (UNFINISHED_MAX + 50)

/* The rest of them gave way. libmicrohttpd by itself would run as often as it can meanwhile. */
static void unfinished_handshakes_keep_nobody_out(void **state)
{
    static unsigned char hello[HEARD_MAX];
    size_t n = make_hello(hello);
    static int fds[HALF_OPEN];
    struct rlimit descriptors;
    (void)state;
    getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max; /* both ends are here */
    setrlimit(RLIMIT_NOFILE, &descriptors);
    for (int i = 0; i < HALF_OPEN; i++) {
        fds[i] = connect_us();
        /* All of it, but for every third: half. */
        size_t part = i % 3 ? n : n / 2;
        assert_int_equal(write(fds[i], hello, part), part);
    }
    assert_contains(get_as(NULL)->heard, "HTTP/1.1 200 OK");
    assert_int_equal(http_server_connections(world.server), UNFINISHED_MAX - 1);
    assert_true(turns_within(100) < 20);
    for (int i = 0; i < HALF_OPEN; i++)
        close(fds[i]);
    while (http_server_connections(world.server))
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_contains(get_as(NULL)->heard, "HTTP/1.1 200 OK");
}

/* Ends by http_server_drain, with the peers still there. */
static void the_end_comes_with_handshakes_unfinished(void **state)
{
    static unsigned char hello[HEARD_MAX];
    size_t n = make_hello(hello);
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(write(connect_us(), hello, n), n);
    while (http_server_connections(world.server) < 5)
        uv_run(&world.loop, UV_RUN_ONCE);
}

static const char held[] = "POST /held HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";

static void a_peer_that_leaves_while_it_is_held_is_noticed(void **state)
{
    static struct client c;
    pthread_t thread;
    (void)state;
    c = (struct client){.say = held, .say_n = sizeof(held) - 1, .fd = connect_us()};
    assert_int_equal(pthread_create(&thread, NULL, talk, &c), 0);
    while (!world.held)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_true(turns_within(100) < 20);
    assert_int_equal(world.ended, 0);
    shutdown(c.fd, SHUT_WR); /* the end of the stream, as closing it */
    world.stop_at_ended = 1;
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(world.ended, 1);
    while (http_server_connections(world.server))
        uv_run(&world.loop, UV_RUN_ONCE);
    pthread_join(thread, NULL);
    assert_string_equal(c.heard, "");
}

static void what_is_pipelined_behind_a_hold_is_answered(void **state)
{
    static struct client c;
    static char say[1000];
    pthread_t thread;
    (void)state;
    int n = snprintf(say, sizeof(say), "%s%s", held, get);
    c = (struct client){.say = say, .say_n = (size_t)n, .fd = connect_us()};
    assert_int_equal(pthread_create(&thread, NULL, talk, &c), 0);
    while (!world.held)
        uv_run(&world.loop, UV_RUN_ONCE);
    world.held->in.path = STR("/");
    waiter_wake(world.held->waiter);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
    assert_contains(c.heard, "2 bytes");
    assert_contains(c.heard, "0 bytes");
}

static void the_end_comes_while_a_request_is_held(void **state)
{
    static struct client c;
    static pthread_t thread;
    (void)state;
    c = (struct client){.say = held, .say_n = sizeof(held) - 1, .fd = connect_us()};
    assert_int_equal(pthread_create(&thread, NULL, talk, &c), 0);
    while (!world.held)
        uv_run(&world.loop, UV_RUN_ONCE);
    http_server_drain(world.server, 0, on_drained, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
    assert_int_equal(world.ended, 1);
}

static int close_loop(void **state)
{
    (void)state;
    return uv_loop_close(&world.loop);
}

static void without_a_certificate_nobody_listens(void **state)
{
    struct http_server *bare;
    struct err e;
    (void)state;
    static const struct http_limits limits = {100, 100, 60000, 60000};
    assert_int_equal(http_server_new(&world.loop, &world.port, NULL, &limits, &bare, &e), 0);
    const struct listener l = {.fd = world.fd, .kind = LISTENER_NODE, .tls = true, .name = "https"};
    assert_int_equal(http_server_listen(bare, &l, &e), -ENOKEY);
    assert_string_equal(e.msg, "https: there is no certificate to speak TLS with");
    http_server_free(bare);
}

#define PAIRS(test) cmocka_unit_test_setup(test, make_pairs)
#define SERVED(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

UNIT_MAIN(PAIRS(a_handshake_keeps_the_certificate_that_it_began_with),
          PAIRS(without_a_certificate_a_handshake_fails), PAIRS(what_cannot_be_served_is_refused),
          PAIRS(other_kinds_of_keys_are_served), PAIRS(a_key_that_is_not_served_any_more_is_wiped),
          SERVED(both_versions_are_served), SERVED(what_is_weak_is_not_spoken),
          SERVED(records_of_any_size_make_a_request), SERVED(a_chunked_body_too_large_is_answered),
          SERVED(a_certificate_is_exchanged_while_others_are_served), SERVED(plain_http_gets_a_400),
          SERVED(unfinished_handshakes_keep_nobody_out),
          SERVED(the_end_comes_with_handshakes_unfinished),
          SERVED(a_peer_that_leaves_while_it_is_held_is_noticed),
          SERVED(what_is_pipelined_behind_a_hold_is_answered),
          SERVED(without_a_certificate_nobody_listens),
          cmocka_unit_test_setup_teardown(the_end_comes_while_a_request_is_held, open_world,
                                          close_loop))
