file(READ ${IN} hex HEX)
# Character constants: bytes above 127 are a char's whatever its sign.
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
string(REGEX REPLACE "(('[^']*',)?('[^']*',)?('[^']*',)?('[^']*',)?('[^']*',)?('[^']*',)?('[^']*',)?('[^']*',))" "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "#include <stddef.h>\nextern const char ${SYMBOL}[];\nextern const size_t ${SYMBOL}_length;\n"
    "const char ${SYMBOL}[] = {\n${bytes}0};\nconst size_t ${SYMBOL}_length = sizeof ${SYMBOL} - 1;\n")
