# pg_saas: the product build (PGXS). `make && sudo make install && make installcheck`.
# PG_CONFIG chooses the server. CMakeLists.txt builds src/core with its tests, without a server.
EXTENSION = pg_saas
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" pg_saas.control)
MODULE_big = pg_saas
SOURCES := $(shell sed 's/\#.*//' sources.list)
OBJS = $(SOURCES:.cpp=.o)
EXTENSION_SQL = $(sort $(wildcard sql/extension/*.sql))
DATA = $(wildcard sql/updates/pg_saas--*.sql)
DATA_built = pg_saas--$(EXTVERSION).sql
PACKAGE_FILES := $(shell find sql/modules -type f \( -name '*.sql' -o -name '*.list' -o -name 'manifest' \) 2>/dev/null | LC_ALL=C sort)
EXTRA_CLEAN = pg_saas--$(EXTVERSION).sql test/native/*.o test/native/*.so

REGRESS = $(shell sed 's/\#.*//' test/sql/schedule 2>/dev/null)
REGRESS_OPTS = --inputdir=test --outputdir=. --load-extension=pgcrypto --load-extension=pg_saas
ISOLATION = $(shell sed 's/\#.*//' test/isolation/schedule 2>/dev/null)
ISOLATION_OPTS = --inputdir=test/isolation --outputdir=. --load-extension=pgcrypto --load-extension=pg_saas

PG_CONFIG ?= pg_config
-include scripts/prerequisites.mk

# The bitcode step of PGXS ignores PG_CXXFLAGS and buys nothing for functions this large.
# docs/decisions/0002-no-bitcode.md
override with_llvm = no
PG_CPPFLAGS = -Isrc
PG_CXXFLAGS = -std=c++20 -Wall -Wextra -Wshadow -Wno-register -fvisibility-inlines-hidden
SHLIB_LINK = -lcrypto -lstdc++ -Wl,--version-script=src/export.map -Wl,--no-undefined-version
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(wildcard $(PGXS))

# Server headers as system headers, so that our own warnings stand alone.
override CPPFLAGS := $(patsubst -I$(shell $(PG_CONFIG) --includedir-server),-isystem $(shell $(PG_CONFIG) --includedir-server),$(CPPFLAGS))
ifdef WERROR
override CXXFLAGS += -Werror
endif

# C++ dependencies: any header changes rebuild everything that could see it.
HEADERS := $(shell find src -name '*.hpp')
$(OBJS): $(HEADERS)

# An install script must not say OR REPLACE: it would take over an object someone else owns.
pg_saas--$(EXTVERSION).sql: $(EXTENSION_SQL)
	{ printf '%s\n' '\echo Use "CREATE EXTENSION pg_saas CASCADE" to load this file. \quit'; cat $^ | sed 's/CREATE OR REPLACE /CREATE /'; } > $@

install: install-package
.PHONY: install-package check-exports
install-package:
	rm -rf '$(DESTDIR)$(datadir)/pg_saas'
	for file in $(PACKAGE_FILES); do \
		$(INSTALL) -D -m 644 "$$file" "$(DESTDIR)$(datadir)/pg_saas/$${file#sql/}" || exit 1; \
	done
uninstall: uninstall-package
.PHONY: uninstall-package
uninstall-package:
	rm -rf '$(DESTDIR)$(datadir)/pg_saas'

check-exports: pg_saas.so
	scripts/check-exports pg_saas.so

# Functions that exist only for the tests of the boundary, in a library of their own.
TEST_OBJS = $(patsubst %.cpp,%.o,$(wildcard test/native/*.cpp))
test/native/pg_saas_test.so: $(TEST_OBJS) src/pg/boundary.o
	$(CXX) $(CXXFLAGS) -shared -fPIC -o $@ $^ -Wl,--version-script=src/export.map
$(TEST_OBJS): $(HEADERS)
installcheck: test/native/pg_saas_test.so

# The server's user may not be allowed into this folder, a home folder for instance. So it loads a copy,
# which the test removes.
ifneq ($(filter installcheck,$(MAKECMDGOALS)),)
ifndef SAAS_TEST_LIBRARY
export SAAS_TEST_LIBRARY_COPY := $(shell mktemp -u /tmp/pg_saas_test.XXXXXXXXXX)
export SAAS_TEST_LIBRARY := $(SAAS_TEST_LIBRARY_COPY)
$(SAAS_TEST_LIBRARY_COPY): test/native/pg_saas_test.so
	$(INSTALL) -m 755 $< $@
installcheck: $(SAAS_TEST_LIBRARY_COPY)
endif
endif
