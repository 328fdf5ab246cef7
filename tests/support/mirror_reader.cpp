// A mirror client as its reference has it: each line on standard input asks for one update, whose
// spectra are printed. `mirror_reader HOST PORT`; `mirror_reader KEY` attaches a System V segment.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

static const int SLOTS = 10000;

struct Extent { uint32_t x, y; };
struct Map { float xmin, xmax, ymin, ymax; char xlabel[128], ylabel[128]; };
struct Statistics { uint32_t overflows[2], underflows[2]; };
struct Tables {
    Extent xy[SLOTS];
    char titles[SLOTS][128];
    char info[SLOTS][128];
    uint32_t offsets[SLOTS];
    uint32_t types[SLOTS];
    Map map[SLOTS];
    Statistics statistics[SLOTS];
};
static_assert(sizeof(Tables) == 5600000, "size of the header");

static void fail(const char* what) { std::perror(what); std::exit(1); }

static void receive(int link, char* to, size_t size) {
    while (size > 0) {
        ssize_t count = recv(link, to, size, 0);
        if (count <= 0) fail("recv");
        to += count;
        size -= count;
    }
}

static void print(const char* memory) {
    const Tables* tables = reinterpret_cast<const Tables*>(memory);
    for (int slot = 0; slot < SLOTS; ++slot) {
        uint32_t type = tables->types[slot];
        if (type == 0) continue;
        uint32_t nx = tables->xy[slot].x, ny = type == 5 ? tables->xy[slot].y : 1;
        const uint32_t* channels = reinterpret_cast<const uint32_t*>(memory + sizeof(Tables));
        channels += tables->offsets[slot];
        uint64_t sum = 0, weighted = 0;
        for (uint64_t i = 0; i < uint64_t(nx) * ny; ++i) {
            sum += channels[i];
            weighted += (i + 1) * channels[i];
        }
        const Map& map = tables->map[slot];
        std::printf("%d\t%s\t%u\t%u\t%u\t%g\t%g\t%g\t%g\t%llu\t%llu\n", slot, tables->info[slot], type,
                    nx, tables->xy[slot].y, map.xmin, map.xmax, map.ymin, map.ymax,
                    (unsigned long long)sum, (unsigned long long)weighted);
    }
    std::printf("end\n");
    std::fflush(stdout);
}

int main(int argc, char** argv) {
    if (argc == 2) {
        key_t key;
        std::memcpy(&key, argv[1], 4);
        int id = shmget(key, 0, 0);
        if (id < 0) fail("shmget");
        void* memory = shmat(id, nullptr, SHM_RDONLY);
        if (memory == reinterpret_cast<void*>(-1)) fail("shmat");
        print(static_cast<const char*>(memory));
        return 0;
    }
    int link = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(uint16_t(std::atoi(argv[2])));
    inet_pton(AF_INET, argv[1], &address.sin_addr);
    if (connect(link, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
    std::vector<char> memory(sizeof(Tables) + (64 << 20));
    while (std::getchar() != EOF) {
        uint32_t request[2] = {8, 2}, header[2];
        if (send(link, request, sizeof request, 0) != sizeof request) fail("send");
        receive(link, reinterpret_cast<char*>(header), sizeof header);
        size_t from = header[1] == 3 ? 0 : sizeof(Tables);
        std::printf("%u\t%u\n", header[1], header[0]);
        receive(link, memory.data() + from, header[0] - 8);
        print(memory.data());
    }
    return 0;
}
