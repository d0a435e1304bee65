# assay_embed(TARGET FILE SYMBOL): compiles FILE into TARGET as `const char SYMBOL[]`, NUL-terminated,
# with its length in `const size_t SYMBOL_length`, so that the programs carry their schemas and SQL.
function(assay_embed target file symbol)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/embed/${symbol}.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DIN=${file} -DOUT=${out} -DSYMBOL=${symbol}
            -P ${CMAKE_SOURCE_DIR}/cmake/EmbedFile.cmake
        DEPENDS ${file} ${CMAKE_SOURCE_DIR}/cmake/EmbedFile.cmake VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()
