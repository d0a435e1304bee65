# What cmake --install build/release puts below /usr/local, or another --prefix: the programs, the CUDA module, manual
# pages and the documents that they name, completions and units of systemd.
include(GNUInstallDirs)
# All that is installed, and nothing else: what scripts/demo builds.
add_custom_target(programs DEPENDS assay assay-coordinator assay-worker man)

install(TARGETS assay assay-coordinator assay-worker)
if(ASSAY_HAVE_CUDA)
    add_dependencies(programs assay-cuda)
    install(TARGETS assay-cuda LIBRARY DESTINATION lib/assay) # worker/nn/module.c looks there
endif()
install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")

# As in the tree, so that the names in pages and the links between documents hold.
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs experiments DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES bench/RESULTS.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/bench)
install(FILES schema/experiment.schema.json DESTINATION ${CMAKE_INSTALL_DOCDIR}/schema)

# The program writes its completions itself; each shell looks for them in a place of its own.
function(assay_completion shell directory file)
    set(script ${CMAKE_BINARY_DIR}/completion/${file})
    add_custom_command(OUTPUT ${script} COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/completion
        COMMAND assay completion ${shell} > ${script} DEPENDS assay assay-coordinator assay-worker VERBATIM)
    add_custom_target(completion_${shell} ALL DEPENDS ${script})
    add_dependencies(programs completion_${shell})
    install(FILES ${script} DESTINATION ${CMAKE_INSTALL_DATADIR}/${directory})
endfunction()
assay_completion(bash bash-completion/completions assay)
assay_completion(zsh zsh/site-functions _assay)
assay_completion(fish fish/vendor_completions.d assay.fish)

# The units name the programs by their whole paths, which --prefix may change at the last moment.
foreach(unit assay-coordinator.service assay-worker.service)
    install(CODE "
        set(path \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${unit}\")
        message(STATUS \"Installing: \$ENV{DESTDIR}\${path}\")
        include(\"${CMAKE_SOURCE_DIR}/cmake/Unit.cmake\")
        install_unit(\"${CMAKE_SOURCE_DIR}/share/systemd/${unit}\"
            \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\" \"\$ENV{DESTDIR}\${path}\")
        list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${path}\")")
endforeach()
