# What cpack makes a Debian package from. tools/package calls it, with CPACK_PACKAGE_VERSION and, in the
# environment, the folder STAGED.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gateway)
set(CPACK_PACKAGE_CONTACT "The gateway's maintainers <gateway@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "L7 HTTPS ingress gateway")
set(CPACK_PACKAGE_DESCRIPTION
    "Terminates TLS, checks tokens and balances requests over upstreams, from a file that may change
while it runs or from the Ingresses of a Kubernetes cluster.")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
# Of the folder that it works in; the file's is NAME_VERSION_ARCHITECTURE.
set(CPACK_PACKAGE_FILE_NAME gateway)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
# The libraries that the program was linked with; passwd has useradd.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS passwd)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_LIST_DIR}/debian/conffiles ${CMAKE_CURRENT_LIST_DIR}/debian/postinst
    ${CMAKE_CURRENT_LIST_DIR}/debian/prerm ${CMAKE_CURRENT_LIST_DIR}/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# Where tools/package has put the files, as they will lie.
set(CPACK_PACKAGING_INSTALL_PREFIX /)
set(CPACK_INSTALLED_DIRECTORIES $ENV{STAGED} /)
