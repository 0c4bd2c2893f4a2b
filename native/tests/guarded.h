// An array that ends at a page nobody may touch, and begins after one: a stray access crashes the test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#endif

template <class T>
class Guarded {
public:
    explicit Guarded(size_t length) : length_(length) {
#if defined(__unix__) || defined(__APPLE__)
        const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        const size_t used = (length * sizeof(T) + page - 1) / page * page;
        mapped_ = used + 2 * page;
        base_ = static_cast<unsigned char*>(mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (base_ == MAP_FAILED || (used > 0 && mprotect(base_ + page, used, PROT_READ | PROT_WRITE) != 0)) {
            throw std::bad_alloc();
        }
        data_ = reinterpret_cast<T*>(base_ + page + used - length * sizeof(T));
#else
        base_ = static_cast<unsigned char*>(::operator new(length * sizeof(T), std::align_val_t{64}));
        std::memset(base_, 0, length * sizeof(T));
        data_ = reinterpret_cast<T*>(base_);
#endif
    }

    ~Guarded() {
#if defined(__unix__) || defined(__APPLE__)
        munmap(base_, mapped_);
#else
        ::operator delete(base_, std::align_val_t{64});
#endif
    }

    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;

    T* data() { return data_; }
    const T* data() const { return data_; }
    size_t size() const { return length_; }
    T& operator[](size_t index) { return data_[index]; }
    const T& operator[](size_t index) const { return data_[index]; }

private:
    size_t length_;
    size_t mapped_ = 0;
    unsigned char* base_ = nullptr;
    T* data_ = nullptr;
};
