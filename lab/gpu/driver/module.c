/* A kernel module as far as modinfo and depmod look into one: it has no code, only what is said about it. */
#define INFO(tag, text) static const char tag[] __attribute__((section(".modinfo"), used)) = text
INFO(license, "license=" LICENSE);
#ifdef VERSION
INFO(version, "version=" VERSION);
#endif
INFO(name, "name=" NAME);
INFO(vermagic, "vermagic=" RELEASE " SMP mod_unload ");
